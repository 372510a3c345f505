import type { Server } from "bun";
import type { Context } from "hono";

export type BunServer = Server<undefined>;

/**
 * Returns the server of `Bun.serve`: `c.env.server`, or `c.env` itself with `export default { fetch: app.fetch }`. Undefined
 * if the app was called with neither.
 */
export function getBunServer(c: Context): BunServer | undefined {
  const env: { readonly server?: unknown } = c.env ?? {};
  return [env.server, env].find(isBunServer);
}

function isBunServer(value: unknown): value is BunServer {
  return (
    typeof value === "object" &&
    value !== null &&
    "requestIP" in value &&
    typeof value.requestIP === "function"
  );
}
