/** The template of the OpenAPI document. The Worker reads the template from its static assets and does not import this file. */
import { VERSION } from "../../realtime/version.ts";
import { DEFAULT_LIMITS, type RequestLimits } from "../limits.ts";
import { components } from "./components.ts";
import type { OpenAPITemplate } from "./document.ts";
import { healthPaths, metricsPath, openapiPath, paths } from "./paths.ts";
import { webhooks } from "./webhooks.ts";

// The schemas of requests only store their limits, so each limit can be a placeholder.
const LIMITS = Object.fromEntries(
  Object.keys(DEFAULT_LIMITS).map((name) => [name, `{{${name}}}`]),
) as unknown as RequestLimits;

const TEMPLATE: OpenAPITemplate = {
  document: {
    openapi: "3.1.1",
    info: {
      title: "Pocketwire",
      version: VERSION,
      license: { name: "MIT", identifier: "MIT" },
      description: "Live updates over Server-Sent Events, in PocketBase's realtime protocol.",
    },
    tags: [{ name: "realtime" }, { name: "administration" }, { name: "operation" }],
    paths: paths(LIMITS),
    webhooks: webhooks(LIMITS),
    components: components(LIMITS),
  },
  health: healthPaths(),
  openapi: openapiPath(),
  metrics: { admin: metricsPath("admin"), open: metricsPath("open"), off: {} },
};

/**
 * The template as JSON. The schemas of requests in it are those that requests are validated with.
 * https://spec.openapis.org/oas/v3.1.1.html
 */
export const OPENAPI_TEMPLATE: string = JSON.stringify(TEMPLATE);
