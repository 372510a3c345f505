import type { ServerContext } from "../context.ts";
import { components } from "./components.ts";
import type { JSONObject } from "./json-schema.ts";
import { paths } from "./paths.ts";

/**
 * The OpenAPI document of a service, with the limits and endpoints that its options set. The schemas of requests are those
 * that requests are validated with. https://spec.openapis.org/oas/v3.1.1.html
 */
export function openAPIDocument({
  limits,
  endpoints,
}: Pick<ServerContext, "limits" | "endpoints">): JSONObject {
  return {
    openapi: "3.1.1",
    info: {
      title: "Pocketwire",
      version: "0.1.0",
      license: { name: "MIT", identifier: "MIT" },
      description: "Live updates over Server-Sent Events, in PocketBase's realtime protocol.",
    },
    tags: [{ name: "realtime" }, { name: "administration" }, { name: "operation" }],
    paths: paths(limits, endpoints),
    components: components(limits),
  };
}
