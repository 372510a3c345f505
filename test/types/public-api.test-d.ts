/** Types of the public API. `npm run types` checks this file; nothing runs it. */
import type { Context } from "hono";
import { expectTypeOf } from "vitest";
import {
  createInProcessRegistry,
  createMemoryLog,
  type HibernationSupport,
  hibernationOf,
  type MessageLog,
} from "../../src/adapter.ts";
import {
  type ClientInfo,
  type ClientRegistry,
  type CloseReason,
  type Collection,
  type CollectionInput,
  type CollectionRules,
  createServer,
  type FieldType,
  formatSSEComment,
  formatSSEMessage,
  type Hooks,
  type Logger,
  type PublishInput,
  type PublishReceipt,
  RealtimeError,
  type RealtimeErrorCode,
  RealtimeManager,
  type RealtimeServer,
  type RecordInput,
  type readConfig,
  type ServerOptions,
} from "../../src/index.ts";
import { openDataLog, openRedis, type RedisParts, type StartOptions } from "../../src/node.ts";

// A log in a folder is a log of `createServer`; `startServer` opens a folder itself.
expectTypeOf(openDataLog("./data", { sync: "full", history: { maxAge: 1 } })).resolves.toExtend<
  NonNullable<ServerOptions["log"]>
>();
expectTypeOf<{ data: string; dataSync: "full" }>().toExtend<StartOptions>();

// The parts of several processes are options of `createServer`; `startServer` connects to Redis itself.
expectTypeOf(
  openRedis({ url: "redis://127.0.0.1", prefix: "app", history: { maxAge: 1 } }),
).resolves.toEqualTypeOf<RedisParts>();
expectTypeOf<RedisParts>().toExtend<ServerOptions>();
expectTypeOf<{ redis: { url: string } }>().toExtend<StartOptions>();

// A server needs no options, and its manager is undefined with a registry of the app's own.
expectTypeOf(createServer).parameter(0).toEqualTypeOf<ServerOptions | undefined>();
expectTypeOf(createServer).returns.toEqualTypeOf<RealtimeServer>();
expectTypeOf<RealtimeServer["realtimeManager"]>().toEqualTypeOf<RealtimeManager | undefined>();
expectTypeOf<RealtimeServer["registry"]>().toEqualTypeOf<ClientRegistry>();

// Every setting that is a variable is an option as well; the history has its own.
expectTypeOf<ReturnType<typeof readConfig>>().toExtend<ServerOptions>();
expectTypeOf<NonNullable<ServerOptions["history"]>>().toEqualTypeOf<{
  readonly messages?: number;
  readonly maxAge?: number;
  readonly bytes?: number;
}>();

// Messages: a topic with any data, or a record event.
expectTypeOf<{ topic: string; data: unknown }>().toExtend<PublishInput>();
expectTypeOf<{
  collection: string;
  action: "create" | "update" | "delete";
  record: { id: string; title: string };
}>().toExtend<PublishInput>();
expectTypeOf<RecordInput["collection"]>().toEqualTypeOf<CollectionInput>();
expectTypeOf<{
  collection: { id: string; name: string; type: "auth"; fields: { tags: "select[]" } };
  action: "update";
  record: { id: string; title: string };
  previous: { id: string; title: string };
}>().toExtend<RecordInput>();
expectTypeOf<Collection>().not.toExtend<CollectionInput>();
expectTypeOf<{ name: string; fields: { tags: "tags" } }>().not.toExtend<CollectionInput>();
expectTypeOf<"relation[]">().toExtend<FieldType>();
expectTypeOf<{ topic: string }>().not.toExtend<PublishInput>();

// Access rules: text or null, by collection, beside its description. A hub on Workers takes them as well.
expectTypeOf<{
  posts: { listRule: "status = 'open'"; viewRule: null };
  users: { type: "auth"; manageRule: ""; fields: { tags: "select[]" }; hidden: ["phone"] };
}>().toExtend<NonNullable<ServerOptions["rules"]>>();
expectTypeOf<NonNullable<ServerOptions["rules"]>[string]>().toEqualTypeOf<CollectionRules>();
expectTypeOf<{ listRule: boolean }>().not.toExtend<CollectionRules>();
expectTypeOf<{ topic: string; data: unknown; retain: boolean }>().not.toEqualTypeOf<PublishInput>();
expectTypeOf<Awaited<ReturnType<RealtimeServer["publish"]>>>().toEqualTypeOf<
  readonly PublishReceipt[]
>();

// Hooks get the request's context, may be asynchronous, and may change keys and messages.
expectTypeOf<NonNullable<Hooks["onConnect"]>>().parameter(1).toEqualTypeOf<Context>();
expectTypeOf<() => Promise<readonly string[]>>().toExtend<NonNullable<Hooks["onSubscribe"]>>();
expectTypeOf<() => PublishInput>().toExtend<NonNullable<Hooks["onMessage"]>>();
expectTypeOf<() => string>().not.toExtend<NonNullable<Hooks["onMessage"]>>();

// Errors have a code of a closed list.
expectTypeOf(new RealtimeError("not_allowed", "").code).toEqualTypeOf<RealtimeErrorCode>();
expectTypeOf<"no_such_code">().not.toExtend<RealtimeErrorCode>();

// Formatters return text; a logger of the app's own needs four methods.
expectTypeOf(formatSSEMessage({ event: "a", data: 1 })).toBeString();
expectTypeOf(formatSSEComment("a")).toBeString();
expectTypeOf<Console>().toExtend<Logger>();

// The manager of the default registry lists, sends and disconnects. Hibernation is for adapters.
const manager = new RealtimeManager();
expectTypeOf(manager.getClient("c")).toEqualTypeOf<ClientInfo | undefined>();
expectTypeOf<ClientInfo>().not.toHaveProperty("auth");
expectTypeOf(manager.sendEvent("c", "note", { n: 1 })).resolves.toBeBoolean();
expectTypeOf(manager.removeClient).parameter(1).toEqualTypeOf<CloseReason | undefined>();
expectTypeOf(manager).not.toHaveProperty("restoreClient");
expectTypeOf(manager).not.toHaveProperty("snapshotOf");
expectTypeOf(hibernationOf(manager)).toEqualTypeOf<HibernationSupport>();

// An adapter is made of a manager and a log.
expectTypeOf(createMemoryLog()).toExtend<MessageLog>();
expectTypeOf(
  createInProcessRegistry({ manager, log: createMemoryLog() }),
).toEqualTypeOf<ClientRegistry>();
