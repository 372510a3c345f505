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

const DESCRIPTION = `Live updates over Server-Sent Events, in PocketBase's realtime protocol.

A request may have a credential in \`Authorization: Bearer …\`:

- **Guests** send no credential. They may open streams, and receive messages that are not private.
- **Users** send a token. It says which private messages a user receives, and to which topics the user may publish.
- **Administrators** send the admin key, which allows everything.

The body of an error has the \`status\`, a \`message\` that says what to do, and the errors of fields in \`data\`.`;

const TAGS = [
  {
    name: "realtime",
    description: "Streams, subscriptions, messages and the members of topics.",
  },
  { name: "administration", description: "Operations that need the admin key." },
  { name: "operation", description: "Operations for monitoring and tools." },
  {
    name: "callbacks",
    description: "Requests that the service *sends* to your backend, if callbacks are configured.",
  },
];

const TEMPLATE: OpenAPITemplate = {
  document: {
    openapi: "3.1.1",
    info: {
      title: "Pocketwire",
      version: VERSION,
      license: { name: "MIT", identifier: "MIT" },
      description: DESCRIPTION,
    },
    tags: TAGS,
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
