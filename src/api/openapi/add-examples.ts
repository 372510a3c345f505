import { ERROR_EXAMPLES, type OperationExamples } from "./examples.ts";
import type { JSONObject } from "./json-schema.ts";
import { PARAMETER_DESCRIPTIONS } from "./parameter-descriptions.ts";

/** An operation of `paths` or `webhooks`, as far as examples are added to it. */
interface Operation extends JSONObject {
  readonly operationId?: string;
  readonly security?: readonly object[];
  readonly tags: readonly string[];
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: WithContent;
  readonly responses: Readonly<Record<string, WithContent>>;
}

interface Parameter extends JSONObject {
  readonly name: string;
}

interface WithContent extends JSONObject {
  readonly content?: Readonly<Record<string, JSONObject>>;
}

/** Adds descriptions to parameters, and an example to each parameter, to the body of the request, and to the body of each response. */
export function addExamples(operation: JSONObject, examples: OperationExamples = {}): JSONObject {
  // The cast: `paths` and `webhooks` make operations of this form.
  const { parameters, requestBody, responses, ...rest } = operation as Operation;
  const bodies = { ...errorExamples(rest.tags), ...examples.responses };
  return {
    ...rest,
    ...(parameters && {
      parameters: parameters.map((one) =>
        withExample(describe(one, rest.operationId), examples.parameters?.[one.name]),
      ),
    }),
    ...(requestBody && { requestBody: addToContent(requestBody, examples.request) }),
    responses: Object.fromEntries(
      Object.entries(responses).map(([status, body]) => [
        status,
        addToContent(body, bodies[status]),
      ]),
    ),
  };
}

function describe(parameter: Parameter, operationId = ""): JSONObject {
  const description = PARAMETER_DESCRIPTIONS[operationId]?.[parameter.name];
  return description === undefined ? parameter : { ...parameter, description };
}

function errorExamples(tags: readonly string[]): Readonly<Record<string, unknown>> {
  const { admin, others, unavailable } = ERROR_EXAMPLES;
  return { "4XX": tags.includes("administration") ? admin : others, "503": unavailable };
}

function addToContent({ content, ...rest }: WithContent, example: unknown): JSONObject {
  if (content === undefined) return rest;
  const types = Object.entries(content).map(([type, body]) => [type, withExample(body, example)]);
  return { ...rest, content: Object.fromEntries(types) };
}

function withExample(part: JSONObject, example: unknown): JSONObject {
  return example === undefined ? part : { ...part, example };
}
