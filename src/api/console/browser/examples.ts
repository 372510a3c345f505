import type { API } from "./api.ts";
import type { Dom } from "./dom.ts";
import type { Key } from "./key.ts";

/** Shows how to repeat the last step with curl and with the SDK. */
export type Examples = ReturnType<typeof createExamples>;

/** One step. */
export interface Example {
  /** What follows the URL of the realtime API. */
  readonly path: string;
  /** Body of a POST. */
  readonly body?: unknown;
  readonly method?: string;
  /** What follows the line that creates the SDK's client. Undefined for what the SDK can't do. */
  readonly sdk?: string;
  readonly isStream?: boolean;
}

export function createExamples({ find, bindCopy }: Dom, { base, url, hasKey }: API, key: Key) {
  const client = `const pb = new PocketBase(${JSON.stringify(location.origin + base)});\n`;
  /** For a POSIX shell. */
  const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

  /** Shows an example. The curl command has a variable in place of the key that the user entered. */
  const show = ({ path, body, method, sdk, isStream = false }: Example): void => {
    const parts = [`curl${isStream ? " -N" : ""} ${quote(url + path)}`];
    const variable = key.kind() === "user" ? "REALTIME_TOKEN" : "REALTIME_ADMIN_KEY";
    if (method !== undefined) parts.push(`-X ${method}`);
    if (hasKey()) parts.push(`-H "Authorization: Bearer $${variable}"`);
    if (body !== undefined) {
      parts.push("-H 'Content-Type: application/json'", `-d ${quote(JSON.stringify(body))}`);
    }
    find("#curl").textContent = parts.join(" \\\n  ");
    find("#sdk").textContent =
      sdk === undefined ? "// The SDK has no function for this step." : client + sdk;
    find("#code-note").textContent = hasKey()
      ? `Set the variable ${variable} in your shell to the key that you entered.`
      : "";
  };

  /** SDK code that subscribes to a topic. */
  const subscribe = (topic: unknown, options = ""): string =>
    `await pb.realtime.subscribe(${JSON.stringify(topic)}, console.log${options});`;

  bindCopy(find("#copy-curl"), () => find("#curl").textContent ?? "");
  bindCopy(find("#copy-sdk"), () => find("#sdk").textContent ?? "");
  return { show, subscribe };
}
