/** The service on Workers. Each isolate has one instance, which uses the Durable Objects of the environment. */
import { waitUntil } from "cloudflare:workers";
import type { Hono } from "hono";
import { HonoBase } from "hono/hono-base";
import { TrieRouter } from "hono/router/trie-router";
import type { TemplateSource } from "../../api/console/template.ts";
import type { ServerOptions } from "../../api/options.ts";
import { createServerWith, type RealtimeServer } from "../../api/server-core.ts";
import { warnOfMistakes } from "../../config/contradictions.ts";
import { logRules } from "../../config/rules.ts";
import { RealtimeError } from "../../realtime/errors.ts";
import type { Milliseconds } from "../../realtime/units.ts";
import { createDurableObjectRegistry } from "../../registry/durable-object/registry.ts";
import { IntervalHeartbeat } from "../../stream/heartbeat.ts";
import { type Env, getHub } from "./hub-binding.ts";
import { workerRuntime } from "./runtime.ts";
import { findDifference } from "./same-value.ts";
import { findUnusedVariables, readWorkerSettings, variablesOf } from "./settings.ts";
import { openWorkerSink } from "./sink.ts";
import { createTemplateAssets } from "./template-assets.ts";

interface CachedServer {
  env: Env;
  readonly server: RealtimeServer;
  readonly options: ServerOptions | undefined;
}

/** Servers by the binding REALTIME_HUB, because a copy of an environment has the same binding object. */
const cached = new WeakMap<object, CachedServer>();

/**
 * Returns the service for an environment's Durable Objects. The service is created once in each isolate. Mount its `app`, and
 * call its `publish`.
 *
 * Use the same options in all calls, for example a constant. A call without options returns the service that an earlier call
 * has created with options. If only calls without options came before, the first call with options creates the service anew.
 * `/metrics`, the console and CORS are off unless an option or a variable turns them on. `/api/health` is off unless an option
 * turns it on. The option `rules` is refused: the hubs apply rules, and read them from REALTIME_RULES or get them from a
 * subclass of `RealtimeHub`.
 *
 * @throws RealtimeError `invalid_config` when a variable is invalid, the binding is missing, the console or the OpenAPI document
 *   is on and the binding ASSETS is missing, an earlier call had other options or variables, or `rules` is an option.
 * @example
 * app.route("/", getRealtime(env).app);
 * await getRealtime(env).publish({ topic: "chat", data: "hello" });
 */
export function getRealtime(env: Env, options?: ServerOptions): RealtimeServer {
  const binding: unknown = env.REALTIME_HUB;
  if (!isObject(binding)) {
    throw new RealtimeError(
      "invalid_config",
      "The binding REALTIME_HUB is missing. Copy the binding and the migration from Pocketwire's wrangler.toml to yours.",
    );
  }
  const known = cached.get(binding);
  if (known !== undefined) {
    if (known.env !== env) assertSame("variables", variablesOf(env), variablesOf(known.env));
    known.env = env;
    if (options === undefined) return known.server;
    if (known.options !== undefined) {
      assertSame("options", options, known.options);
      return known.server;
    }
  }
  const server = createWorkerServer(env, options);
  cached.set(binding, { env, server, options });
  return server;
}

function isObject(value: unknown): value is object {
  return (typeof value === "object" && value !== null) || typeof value === "function";
}

function createWorkerServer(env: Env, options: ServerOptions | undefined): RealtimeServer {
  if (options?.rules !== undefined) {
    throw new RealtimeError(
      "invalid_config",
      "On Workers the hubs apply rules. Set REALTIME_RULES, or pass rules to super() in a subclass of RealtimeHub.",
    );
  }
  const settings = readWorkerSettings(env);
  const variables = variablesOf(env);
  const { withoutEffect, unknown } = findUnusedVariables(env);
  warnOfMistakes(settings, unknown, settings.logger);
  if (withoutEffect.length > 0) {
    const names = withoutEffect.join(", ");
    settings.logger.warn("variables without effect on Workers", { names });
  }
  logRules(settings.rules, settings.logger);
  const registry =
    options?.registry ??
    createDurableObjectRegistry({
      hub: (shard) => getHub(env, shard),
      shards: settings.shards,
      waitUntil,
    });
  const serverOptions = {
    ...settings,
    // The hubs read and apply the rules themselves.
    rules: undefined,
    runtime: workerRuntime,
    // Without a variable, the embedding app handles CORS and the path /metrics.
    origins: variables.REALTIME_ORIGINS ? settings.origins : undefined,
    metrics: variables.REALTIME_METRICS ? settings.metrics : undefined,
    ...options,
    // `checkOptions` must know that the service does not have the default registry.
    registry,
  };
  const parts = {
    app: createApp(),
    createRegistry: () => ({ registry, realtimeManager: undefined }),
    openSink: openWorkerSink,
    createHeartbeat: (interval: Milliseconds) => new IntervalHeartbeat(interval),
    requestQueue: undefined,
    templates: templatesOf(env, serverOptions),
  };
  return createServerWith(parts, serverOptions);
}

/** @throws RealtimeError `invalid_config` when the console or the OpenAPI document is on and the Worker has no static assets. */
function templatesOf(
  { ASSETS }: Env,
  { console = false, openapi = console }: ServerOptions,
): TemplateSource {
  if (isObject(ASSETS)) return createTemplateAssets(ASSETS);
  // No route needs a template.
  if (!console && !openapi) return () => "";
  throw new RealtimeError(
    "invalid_config",
    `The ${console ? "console" : "OpenAPI document"} is on and the binding ASSETS is missing. Copy [assets] from Pocketwire's wrangler.toml to yours, with the directory node_modules/pocketwire/dist/assets, or turn it off.`,
  );
}

/**
 * An app with Hono's TrieRouter alone. Hono's default adds the RegExpRouter, which finds a route 2 µs faster and would add
 * 1.8 KiB to the bundle.
 */
function createApp(): Hono {
  return new HonoBase({ router: new TrieRouter() });
}

/** @throws RealtimeError `invalid_config` when the values differ, because those of the later call would be ignored. */
function assertSame(what: string, now: object, before: object): void {
  const difference = findDifference(now, before);
  if (difference === undefined) return;
  throw new RealtimeError(
    "invalid_config",
    `getRealtime was called before with other ${what}: ${difference} differs. The service is created once, so call getRealtime with the same ${what} everywhere.`,
  );
}
