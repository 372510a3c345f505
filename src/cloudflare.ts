/** Pocketwire on Cloudflare Workers, for a Worker of one's own (`pocketwire/cloudflare`); worker.ts is ours. */
import { readConfig } from "./api/config.ts";
import { createLogger } from "./api/logger.ts";
import type { ServerOptions } from "./api/options.ts";
import type { Runtime } from "./api/peer.ts";
import { createServer, type RealtimeServer } from "./api/server.ts";
import { RealtimeError } from "./realtime/errors.ts";
import { createDurableObjectRegistry, type HubStub } from "./registry/durable-object.ts";
import { RealtimeHub as Hub } from "./registry/realtime-hub.ts";
import { openWorkerSink } from "./worker-sink.ts";

/** Variables and secrets, by the names of the README's table, and the binding of wrangler.toml. */
export interface Env {
  readonly REALTIME_HUB: DurableObjectNamespace<RealtimeHub>;
}

/** A hub keeps where each key of a replay has come to beside its socket, where 16,384 bytes have room. */
const MAX_SUBSCRIPTIONS = 1000;

/** Defaults on each shard: a Durable Object has 128 MB of memory, and a key takes about 400 bytes beside its characters. */
const MAX_KEYS = 125_000;
const MAX_KEY_CHARACTERS = 16 * 1024 * 1024;

/** The settings among the bindings: what is no text is a binding of another kind. */
function settingsOf(env: Env) {
  const texts = Object.entries(env).filter(([, value]) => typeof value !== "object");
  const given = Object.fromEntries(texts);
  const config = readConfig(given);
  if (config.maxSubscriptions > MAX_SUBSCRIPTIONS) {
    const message = `REALTIME_MAX_SUBSCRIPTIONS must be at most ${MAX_SUBSCRIPTIONS} on Workers; it was "${config.maxSubscriptions}".`;
    throw new RealtimeError("invalid_config", message);
  }
  const { REALTIME_MAX_KEYS: keys, REALTIME_MAX_KEY_CHARACTERS: characters } = given;
  return {
    ...config,
    maxKeys: keys ? config.maxKeys : MAX_KEYS,
    maxKeyCharacters: characters ? config.maxKeyCharacters : MAX_KEY_CHARACTERS,
    logger: createLogger({ level: config.logLevel }),
  };
}

/** One shard, with this Worker's settings. */
export class RealtimeHub extends Hub<Env> {
  constructor(ctx: DurableObjectState, env: Env) {
    const settings = settingsOf(env);
    super(ctx, env, settings);
    // Every publish comes to the first shard, so it is up before the first message that the others miss.
    if (ctx.id.name === "0") {
      void ctx.blockConcurrencyWhile(() => retireShards(ctx.storage, env, settings.shards));
    }
  }
}

/** A shard that is no more must not remember places, should it come back: it has missed what was published meanwhile. */
async function retireShards(storage: DurableObjectStorage, env: Env, shards: number) {
  const before = await storage.get<number>("shards");
  if (before === shards) return;
  for (let shard = shards; shard < (before ?? 0); shard++) await hubOf(env, shard).retire();
  await storage.put("shards", shards);
}

function hubOf({ REALTIME_HUB }: Env, shard: number): HubStub & { retire(): Promise<void> } {
  const stub = REALTIME_HUB.get(REALTIME_HUB.idFromName(String(shard)));
  return stub as unknown as HubStub & { retire(): Promise<void> };
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
    hub: (shard) => hubOf(env, shard),
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
