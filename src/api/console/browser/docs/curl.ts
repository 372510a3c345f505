import type { ListedOperation } from "./document.ts";

/**
 * A command that sends the example of an operation to this service. It reads the credential from a variable, so it can be copied as
 * it is.
 *
 * @param base The address of the service, without a slash at its end.
 */
export function formatCurl({ method, path, operation }: ListedOperation, base: string): string {
  const { parameters = [], requestBody, security = [] } = operation;
  const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
  const textOf = (value: unknown): string => String([value].flat()[0]);
  const exampleOf = (name: string): string =>
    textOf(parameters.find((parameter) => parameter.name === name)?.example);
  const query = parameters
    .filter(({ in: place, required }) => place === "query" && required === true)
    .map(({ name, example }) => `${name}=${encodeURIComponent(textOf(example))}`);
  // A stream without a topic has no events.
  if (operation.operationId === "connect") query.push(`topic=${exampleOf("topic")}`);
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => exampleOf(name));
  const address = base + filled + (query.length > 0 ? `?${query.join("&")}` : "");
  const isStream = operation.responses["200"]?.content?.["text/event-stream"] !== undefined;
  const isOpen = security.some((scheme) => Object.keys(scheme).length === 0);
  const body = requestBody?.content?.["application/json"]?.example;
  return [
    `curl ${isStream ? "-N " : ""}${method === "GET" || body !== undefined ? "" : `-X ${method} `}${quote(address)}`,
    ...(isOpen ? [] : [`-H "Authorization: Bearer $REALTIME_ADMIN_KEY"`]),
    ...(body === undefined
      ? []
      : ["-H 'Content-Type: application/json'", `-d ${quote(JSON.stringify(body))}`]),
  ].join(" \\\n  ");
}
