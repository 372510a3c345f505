/** The Durable Objects of a Worker: their class with the Worker's settings, and the binding that reaches them. */
import { RealtimeHub as Hub } from "../../registry/durable-object/hub.ts";
import type { HubStub } from "../../registry/durable-object/protocol.ts";
import { readWorkerSettings } from "./settings.ts";

/**
 * The bindings that Pocketwire needs. Variables and secrets are read by their names in docs/configuration.md. Your own `Env`,
 * written by hand or by `wrangler types`, may have further bindings.
 */
export interface Env {
  /** The binding of `RealtimeHub` in wrangler.toml. */
  readonly REALTIME_HUB: DurableObjectNamespace<RealtimeHub>;
}

/** The Durable Object class. Export it from your Worker's main module, as wrangler.toml names it. Each object is one shard. */
export class RealtimeHub extends Hub<Env> {
  constructor(ctx: DurableObjectState, env: Env) {
    const settings = readWorkerSettings(env);
    super(ctx, env, settings);
    // Shard 0 receives every publish. So it retires the removed shards before they miss the first message.
    if (ctx.id.name === "0") {
      void ctx.blockConcurrencyWhile(() => retireShards(ctx.storage, env, settings.shards));
    }
  }
}

/**
 * Deletes the contents of the shards that REALTIME_SHARDS no longer includes. If such a shard is added again later, its old log
 * must not resume clients: the shard has missed what was published meanwhile.
 */
async function retireShards(storage: DurableObjectStorage, env: Env, shards: number) {
  const before = await storage.get<number>("shards");
  if (before === shards) return;
  for (let shard = shards; shard < (before ?? 0); shard++) await getHub(env, shard).retire();
  await storage.put("shards", shards);
}

/** The stub of a shard's hub. */
export function getHub(
  { REALTIME_HUB }: Env,
  shard: number,
): HubStub & Pick<RealtimeHub, "retire"> {
  const stub = REALTIME_HUB.get(REALTIME_HUB.idFromName(String(shard)));
  // The platform's type of a stub maps `unknown` in results to `never`, and knows no readonly lists.
  return stub as unknown as HubStub & Pick<RealtimeHub, "retire">;
}
