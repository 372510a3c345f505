import type { ServerContext } from "../context.ts";
import type { JSONObject } from "./json-schema.ts";

/** What the template of the OpenAPI document contains: JSON with placeholders, such as `"{{maxBatch}}"` for the limit `maxBatch`. */
export interface OpenAPITemplate {
  /** The document without the paths below. */
  readonly document: JSONObject & { readonly paths: JSONObject };
  /** The paths of `/api/health`. */
  readonly health: JSONObject;
  /** The path of the document itself. */
  readonly openapi: JSONObject;
  /** The path of the metrics, by the value of the option `metrics`. */
  readonly metrics: Readonly<Record<ServerContext["endpoints"]["metrics"], JSONObject>>;
}

/** The OpenAPI document of a service, with the limits and endpoints that its options set. */
export async function openAPIDocument({
  templates,
  limits,
  endpoints,
}: Pick<ServerContext, "templates" | "limits" | "endpoints">): Promise<JSONObject> {
  const values: Readonly<Record<string, unknown>> = { ...limits };
  const template = await templates("openapi");
  const json = template.replaceAll(/"\{\{(\w+)\}\}"/g, (_, limit) => String(values[limit]));
  const { document, health, openapi, metrics }: OpenAPITemplate = JSON.parse(json);
  const paths = {
    ...document.paths,
    ...(endpoints.health && health),
    ...(endpoints.openapi && openapi),
    ...metrics[endpoints.metrics],
  };
  return { ...document, paths };
}
