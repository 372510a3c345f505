/** The Durable Objects of a Worker: their class, which reads the Worker's settings, and their binding. */
import { RealtimeHub as Hub } from "../../registry/durable-object/hub.ts";
import type { RealtimeHubOptions } from "../../registry/durable-object/hub-options.ts";
import type { HubStub } from "../../registry/durable-object/protocol.ts";
import { createHubTells } from "./hub-tells.ts";
import { readWorkerSettings } from "./settings.ts";

/**
 * The bindings that Pocketwire needs. Your own `Env` may have further bindings. Variables and secrets are not part of this
 * type: docs/configuration.md lists their names.
 */
export interface Env {
  /** The binding of `RealtimeHub` in wrangler.toml. */
  readonly REALTIME_HUB: DurableObjectNamespace<RealtimeHub>;
  /** The binding of the static assets in wrangler.toml. The console and the OpenAPI document need it. */
  readonly ASSETS?: Fetcher;
}

/**
 * The Durable Object class. Export it from your Worker's main module with the name in wrangler.toml. Each object is one
 * shard.
 *
 * @example
 * import { type Env, RealtimeHub as Hub } from "pocketwire/cloudflare";
 *
 * // Access rules in code. A variable, such as REALTIME_RULES, has room for 5 KB.
 * export class RealtimeHub extends Hub {
 *   constructor(ctx: DurableObjectState, env: Env) {
 *     super(ctx, env, { rules: { posts: { listRule: "@request.auth.id != ''", viewRule: null } } });
 *   }
 * }
 */
export class RealtimeHub extends Hub<Env> {
  /**
   * @param options Access rules that replace those of REALTIME_RULES, and topic rules that replace those of REALTIME_TOPICS. Of
   *   topic rules the hub applies only `keep` and `presence`: pass them to `getRealtime` as well. With `tracing` the hub traces its
   *   deliveries.
   * @throws RealtimeError `invalid_config` when a variable or the rules are invalid.
   */
  constructor(
    ctx: DurableObjectState,
    env: Env,
    options: Pick<RealtimeHubOptions, "rules" | "topics" | "tracing"> = {},
  ) {
    const settings = readWorkerSettings(env);
    const { rules = settings.rules, topics = settings.topics, tracing } = options;
    const tells = createHubTells(settings);
    const hub = (shard: number) => getHub(env, shard);
    super(ctx, env, { ...settings, rules, topics, tracing, tells, hub });
    // Shard 0 receives every publish first. When REALTIME_SHARDS was reduced, shard 0 can therefore retire the removed shards
    // before they miss a message.
    if (ctx.id.name === "0") {
      void ctx.blockConcurrencyWhile(() => retireShards(ctx.storage, env, settings.shards));
    }
  }
}

/**
 * Deletes the data of the shards that REALTIME_SHARDS no longer includes. Such a shard misses later messages. If it is added
 * again, clients must not resume from its old log.
 */
async function retireShards(storage: DurableObjectStorage, env: Env, shards: number) {
  const before = await storage.get<number>("shards");
  if (before === shards) return;
  for (let shard = shards; shard < (before ?? 0); shard++) await getHub(env, shard).retire();
  await storage.put("shards", shards);
}

/** Returns a stub of a shard's hub. */
export function getHub(
  { REALTIME_HUB }: Env,
  shard: number,
): HubStub & Pick<RealtimeHub, "retire"> {
  const stub = REALTIME_HUB.get(REALTIME_HUB.idFromName(String(shard)));
  // The cast: the platform's type of a stub maps `unknown` in results to `never`, and does not support readonly arrays.
  return stub as unknown as HubStub & Pick<RealtimeHub, "retire">;
}
