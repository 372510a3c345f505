/** Pocketwire on Cloudflare Workers, for a Worker of one's own (`pocketwire/cloudflare`); worker.ts is ours. */
import { readConfig } from "./api/config.ts";
import { createLogger } from "./api/logger.ts";
import type { ServerOptions } from "./api/options.ts";
import type { Runtime } from "./api/peer.ts";
import { createServer, type RealtimeServer } from "./api/server.ts";
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

let made: { readonly env: Env; readonly server: RealtimeServer } | undefined;

/**
 * The service over an environment's Durable Objects, made once: bindings are the same for every request of an isolate. Mount
 * its `app`, and publish with it.
 *
 * @throws RealtimeError `invalid_config` when a variable is wrong.
 */
export function realtimeOf(env: Env, options: ServerOptions = {}): RealtimeServer {
  if (made?.env === env) return made.server;
  const settings = settingsOf(env);
  const registry = createDurableObjectRegistry({
    hub: (shard) =>
      env.REALTIME_HUB.get(env.REALTIME_HUB.idFromName(String(shard))) as unknown as HubStub,
    shards: settings.shards,
  });
  // Without a key the page could do little; with one in .dev.vars it is there under `wrangler dev`.
  const console = settings.console ?? settings.adminKey !== undefined;
  const server = createServer({
    ...{ ...settings, console, registry, runtime: workerRuntime },
    ...options,
  });
  made = { env, server };
  return server;
}
