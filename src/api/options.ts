import type { HistoryLimits, MessageLog, RememberedIdLimits } from "../log/log.ts";
import type { ManagerOptions, RealtimeManager } from "../realtime/manager.ts";
import type { TopicRule } from "../realtime/topic-rules.ts";
import type { Bytes, Milliseconds } from "../realtime/units.ts";
import type { Bus } from "../registry/cluster/bus.ts";
import type { ClientRegistry } from "../registry/registry.ts";
import type { AuthSettings } from "./auth/settings.ts";
import type { CallbackOptions } from "./callbacks/options.ts";
import type { Hooks } from "./hooks.ts";
import type { RequestLimits, Some, StreamLimits } from "./limits.ts";
import type { Runtime } from "./runtime.ts";

/**
 * The options of `createServer`. Times are milliseconds and sizes are bytes; each limit has its default in its description. A
 * limit of one address counts an IPv4 address, or all IPv6 addresses with the same first 64 bits (`networkOf`). The default
 * `logger` writes warnings and errors with `console.error`, as lines of JSON.
 *
 * @example
 * ```ts
 * const options: ServerOptions = {
 *   adminKey: process.env.ADMIN_KEY,
 *   origins: ["https://app.example.com"],
 *   history: { messages: 1000, maxAge: 60_000 },
 * };
 * ```
 */
export interface ServerOptions
  extends Omit<ManagerOptions, "presence">,
    AuthSettings,
    Some<RequestLimits>,
    Some<StreamLimits> {
  /**
   * The clients' registry. With a registry of your own, the options of the default registry have no effect: `realtimeManager`,
   * `log`, `history`, and those of the manager (`maxClients`, `authGrace` and so on). `rules` are refused, because they would
   * not hold: give them to the registry's manager. Default: a registry in this process.
   */
  readonly registry?: ClientRegistry | undefined;
  /**
   * The manager of the default registry. It has limits and rules of its own: `maxClients` and the other options for managers do
   * not change it, and `rules` are refused. Default: a new manager with the options for managers.
   */
  readonly realtimeManager?: RealtimeManager | undefined;
  /**
   * The message log of the default registry, such as `await openDataLog("./data")` of `pocketwire/node` or `pocketwire/bun`.
   * Default: a log in memory.
   */
  readonly log?: MessageLog | undefined;
  /**
   * Connects this process with others that share its `log`. `await openRedis({ url })` of `pocketwire/node` or `pocketwire/bun`
   * returns both. Default: this process has its clients for itself.
   */
  readonly bus?: Bus | undefined;
  /**
   * How much the default log keeps: at most 10,000 `messages` (default), of at most 300,000 milliseconds (`maxAge`) and 32 MiB
   * (`bytes`). A limit that is left out has its default; a limit of 0 keeps nothing. `history` has no effect on a `log` or
   * `registry` of your own, which has limits of its own.
   */
  readonly history?: Partial<HistoryLimits> | undefined;
  /**
   * How many message ids the default log remembers to recognise retries: at most 10,000 (`count`, default), each for 300,000
   * milliseconds (`maxAge`). One user takes at most half of them. A message whose id is remembered is not published again.
   * `rememberedIds` has no effect on a `log` or `registry` of your own.
   */
  readonly rememberedIds?: Partial<RememberedIdLimits> | undefined;
  /**
   * Topic rules: how many messages of a topic are kept, how long they can be read, and whether they are private. The first rule
   * that matches a topic applies. The service applies `private` and `ttl` to every message that it publishes. The log applies
   * `keep`, so pass the rules to a `log` or `registry` of your own as well. On Workers, the hubs read REALTIME_TOPICS or get
   * rules from a subclass of `RealtimeHub`. Default: no rules.
   */
  readonly topics?: readonly TopicRule[] | undefined;
  /**
   * Maximum size of all messages that the default log keeps by `TopicRule.keep`, including those that are still within `history`.
   * Above this size, the log forgets the kept messages of the topic that has been silent for the longest time. 0 keeps none.
   * Default 64 MiB.
   */
  readonly keptBytes?: Bytes | undefined;
  /** Maximum number of topics with kept messages, as for `keptBytes`. 0 keeps none. Default 100,000. */
  readonly keptTopics?: number | undefined;
  /**
   * Origins that may use the service from a browser (CORS). `["*"]` is every origin, without cookies. An origin that is listed
   * by name may send cookies. Default of `createServer`: no CORS headers, so the policy of your app decides; CORS headers that
   * your app has set are kept. Default of `startServer`: `["*"]`.
   */
  readonly origins?: readonly string[] | undefined;
  /**
   * Time after which a member or guest without a stream leaves a topic with presence. A page that reloads within this time has not
   * left. Default 5,000 milliseconds.
   */
  readonly presenceGrace?: Milliseconds | undefined;
  /** Clients that may be connected. 0 is no limit. Default 50,000. */
  readonly maxClients?: number | undefined;
  /** Clients of one address (`networkOf`) that may be connected. 0 is no limit. Default 1,000. */
  readonly maxClientsPerAddress?: number | undefined;
  /**
   * Subscription keys of all clients. A key counts once, and once more for each topic in which it overlaps with the client's
   * rights: with rights to `a/1` and `a/2`, the key `a/*` counts three times. A key takes about 400 bytes of memory besides its
   * characters. 0 is no limit. Default 500,000.
   */
  readonly maxKeys?: number | undefined;
  /** As `maxKeys`, of the clients of one address (`networkOf`). 0 is no limit. Default 100,000. */
  readonly maxKeysPerAddress?: number | undefined;
  /** Characters (UTF-16 code units) of the subscription keys of all clients. 0 is no limit. Default 67,108,864. */
  readonly maxKeyCharacters?: number | undefined;
  /** As `maxKeyCharacters`, of the clients of one address (`networkOf`). 0 is no limit. Default 16,777,216. */
  readonly maxKeyCharactersPerAddress?: number | undefined;
  /** Functions of your app that check and change connects, subscriptions and messages. */
  readonly hooks?: Hooks | undefined;
  /** A backend in any language that is asked about requests and gets events, over HTTP. Default: none. */
  readonly callbacks?: CallbackOptions | undefined;
  /** Whether `GET /` is the console and `GET /api/docs` the documentation of the HTTP API. Default false. */
  readonly console?: boolean | undefined;
  /** Whether `GET /api/health` and `GET /api/health/ready` exist. Default false; `startServer` turns them on. */
  readonly health?: boolean | undefined;
  /** Whether `GET /api/openapi.json` exists. Default: the value of `console`; `startServer` turns it on. */
  readonly openapi?: boolean | undefined;
  /**
   * Who may read `GET /metrics`: requests with the admin key (`admin`), every request (`open`) or none (`off`). Default `off`;
   * `startServer` makes it `admin`.
   */
  readonly metrics?: "admin" | "open" | "off" | undefined;
  /** What the runtime knows about requests: `nodeRuntime`, `bunRuntime` or `workerRuntime`. Default: nothing. */
  readonly runtime?: Runtime | undefined;
}
