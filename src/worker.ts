/** wrangler's main: the app on Cloudflare Workers, over Durable Objects. */
import type { Hono } from "hono";
import { readConfig } from "./api/config.ts";
import { createLogger } from "./api/logger.ts";
import type { Runtime } from "./api/peer.ts";
import { createServer } from "./api/server.ts";
import { RealtimeError } from "./realtime/errors.ts";
import { createDurableObjectRegistry, type HubStub } from "./registry/durable-object.ts";
import { RealtimeHub as Hub } from "./registry/realtime-hub.ts";
import { openWorkerSink } from "./worker-sink.ts";

/** Variables and secrets, by the names of the README's table, and the binding of wrangler.toml. */
export interface Env {
  readonly REALTIME_HUB: DurableObjectNamespace<RealtimeHub>;
}

/** The settings among the bindings: what is no text is a binding of another kind. */
function settingsOf(env: Env) {
  const texts = Object.entries(env).filter(([, value]) => typeof value !== "object");
  const config = readConfig(Object.fromEntries(texts));
  return { ...config, logger: createLogger({ level: config.logLevel }) };
}

/** One shard, with this Worker's settings. */
export class RealtimeHub extends Hub<Env> {
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env, settingsOf(env));
  }
}

/** What Workers know of a request: give it to `createServer` when you mount it in an app of your own. */
export const workerRuntime: Runtime = {
  clientAddress: (c) => c.req.header("CF-Connecting-IP"),
  // The runtime frames the response itself, and clients speak HTTP/2 or 3 with it.
  httpVersion: () => "2.0",
  openSink: openWorkerSink,
};

let app: Hono | undefined;

function createApp(env: Env): Hono {
  const settings = settingsOf(env);
  const registry = createDurableObjectRegistry({
    hub: (shard) =>
      env.REALTIME_HUB.get(env.REALTIME_HUB.idFromName(String(shard))) as unknown as HubStub,
    shards: settings.shards,
  });
  // Without a key the page could do little; with one in .dev.vars it is there under `wrangler dev`.
  const console = settings.console ?? settings.adminKey !== undefined;
  return createServer({ ...settings, console, registry, runtime: workerRuntime }).app;
}

export default {
  fetch(request: Request, env: Env, ctx: ExecutionContext): Response | Promise<Response> {
    try {
      // Bindings are the same for every request of an isolate.
      app ??= createApp(env);
    } catch (error) {
      if (!(error instanceof RealtimeError)) throw error;
      console.error(error.message);
      const message = "The service is not configured as it should be; its log says what is wrong.";
      return Response.json({ status: 500, message, data: {} }, { status: 500 });
    }
    return app.fetch(request, env, ctx);
  },
} satisfies ExportedHandler<Env>;
