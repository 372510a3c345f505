/** Pocketwire on Cloudflare Workers, for a Worker of one's own (`pocketwire/cloudflare`); worker.ts is ours. */

import { createLogger } from "./api/logger.ts";
import type { ServerOptions } from "./api/options.ts";
import type { Runtime } from "./api/runtime.ts";
import { nearestName } from "./api/schemas/nearest-name.ts";
import { createServer, type RealtimeServer } from "./api/server.ts";
import {
  findContradictions,
  findUnknownVariables,
  readConfig,
  VARIABLES,
} from "./config/config.ts";
import { RealtimeError } from "./realtime/errors.ts";
import { RealtimeHub as Hub } from "./registry/durable-object/hub.ts";
import { createDurableObjectRegistry, type HubStub } from "./registry/durable-object/registry.ts";
import { openWorkerSink } from "./runtimes/workers/sink.ts";

export { RealtimeError } from "./realtime/errors.ts";

/** Variables and secrets, by the names of the README's table, and the binding of wrangler.toml. */
export interface Env {
  readonly REALTIME_HUB: DurableObjectNamespace<RealtimeHub>;
}

/** A hub keeps where each key of a replay has come to beside its socket, where 16,384 bytes have room. */
const MAX_SUBSCRIPTIONS = 1000;

/** Defaults on each shard: a Durable Object has 128 MB of memory, and a key takes about 400 bytes beside its characters. */
const MAX_KEYS = 125_000;
const MAX_KEY_CHARACTERS = 16 * 1024 * 1024;

/** The variables among the bindings: a binding of another kind is an object. */
function variablesOf(env: Env): Readonly<Record<string, string | undefined>> {
  return Object.fromEntries(Object.entries(env).filter(([, value]) => typeof value !== "object"));
}

/** An isolate has 128 MB in all. */
const WAITING_BYTES = {
  REALTIME_MAX_WAITING_BYTES: String(32 * 1024 * 1024),
  REALTIME_MAX_WAITING_BYTES_PER_ADDRESS: String(8 * 1024 * 1024),
};

function readWorkerSettings(env: Env) {
  const given = variablesOf(env);
  const config = readConfig({ ...WAITING_BYTES, ...given });
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
    const settings = readWorkerSettings(env);
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
  for (let shard = shards; shard < (before ?? 0); shard++) await getHub(env, shard).retire();
  await storage.put("shards", shards);
}

function getHub({ REALTIME_HUB }: Env, shard: number): HubStub & { retire(): Promise<void> } {
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

interface Cached {
  env: Env;
  readonly server: RealtimeServer;
  readonly options: ServerOptions | undefined;
}

/** The binding is the same object in every copy of an environment. */
const cached = new WeakMap<object, Cached>();

/**
 * The service over an environment's Durable Objects, made once in an isolate. Mount its `app`, and publish with it.
 *
 * A call without options gets what a call with options has made. Call it with the same options everywhere: keep them in
 * one constant. What a service of its own has (`/api/health`, the console, CORS for all origins) is off here unless
 * an option or variable turns it on.
 *
 * @throws RealtimeError `invalid_config` when a variable is wrong, or when it was called before with other options.
 */
export function getRealtime(env: Env, options?: ServerOptions): RealtimeServer {
  const binding = env.REALTIME_HUB as object | undefined;
  if (typeof binding !== "object" && typeof binding !== "function") {
    const message =
      "The binding REALTIME_HUB is missing. Add the binding and the migration of Pocketwire's wrangler.toml to yours.";
    throw new RealtimeError("invalid_config", message);
  }
  const made = cached.get(binding);
  if (made !== undefined) {
    refuseOther(
      "variables",
      variablesOf(env),
      made.env === env ? undefined : variablesOf(made.env),
    );
    made.env = env;
    if (options === undefined) return made.server;
    if (made.options !== undefined) {
      refuseOther("options", options, made.options);
      return made.server;
    }
  }
  const server = makeServer(env, options);
  cached.set(binding, { env, server, options });
  return server;
}

function makeServer(env: Env, options: ServerOptions | undefined): RealtimeServer {
  const settings = readWorkerSettings(env);
  const { logger } = settings;
  const set = variablesOf(env);
  for (const name of findUnknownVariables(set)) {
    if (name === "REALTIME_HUB") continue;
    const didYouMean = nearestName(name, VARIABLES);
    logger.warn("there is no such variable; is the name misspelt?", { name, didYouMean });
  }
  for (const hint of findContradictions(settings))
    logger.warn("settings contradict each other", { hint });
  const registry = createDurableObjectRegistry({
    hub: (shard) => getHub(env, shard),
    shards: settings.shards,
  });
  return createServer({
    ...{ ...settings, registry, runtime: workerRuntime },
    // Only what a variable says: an app that mounts the service has addresses and a CORS policy of its own.
    origins: set.REALTIME_ORIGINS ? settings.origins : undefined,
    metrics: set.REALTIME_METRICS ? settings.metrics : undefined,
    ...options,
  });
}

/** @throws RealtimeError when a later call says something else than the first: it would be ignored. */
function refuseOther(what: string, now: object, before: object | undefined): void {
  if (before === undefined) return;
  const names = new Set([...Object.keys(now), ...Object.keys(before)]);
  const value = (of: object, name: string) => (of as Record<string, unknown>)[name];
  const other = [...names].find((name) => !isSame(value(now, name), value(before, name)));
  if (other === undefined) return;
  throw new RealtimeError(
    "invalid_config",
    `getRealtime was called before with other ${what}: ${other} differs. The service is made once, so call getRealtime with the same ${what} everywhere.`,
  );
}

/** A literal that is written in a handler is a new object at each call: functions count by their source. */
function isSame(one: unknown, other: unknown): boolean {
  if (Object.is(one, other)) return true;
  if (typeof one === "function" && typeof other === "function") return `${one}` === `${other}`;
  if (!isPlain(one) || !isPlain(other)) return false;
  const names = new Set([...Object.keys(one), ...Object.keys(other)]);
  return [...names].every((name) => isSame(one[name], other[name]));
}

function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null || Array.isArray(value);
}
