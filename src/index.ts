/**
 * The public API: what an app needs that mounts Pocketwire. `pocketwire/adapter` has what authors of registries and logs need.
 *
 * @example
 * ```ts
 * import { Hono } from "hono";
 * import { createServer } from "pocketwire";
 * import { nodeRuntime } from "pocketwire/node";
 *
 * const realtime = createServer({ adminKey: process.env.ADMIN_KEY, runtime: nodeRuntime });
 * const app = new Hono().route("/", realtime.app);
 * await realtime.publish({ topic: "chat", data: { text: "hello" } });
 * ```
 */

export type { Identity } from "./api/auth/claims.ts";
export type { IntrospectionOptions } from "./api/auth/introspection.ts";
export type { AccessRequest, Authenticate, Authorize, AuthSettings } from "./api/auth/settings.ts";
export type { TokenAlgorithm, TokenOptions } from "./api/auth/token-options.ts";
export type { CallbackOptions } from "./api/callbacks/options.ts";
export type {
  ConnectHookEvent,
  DisconnectHookEvent,
  HookSubject,
  Hooks,
  PublishHookEvent,
  SubscribeHookEvent,
} from "./api/hooks.ts";
export type { RequestLimits } from "./api/limits.ts";
export { createLogger, type LoggerOptions, type LogLevel } from "./api/logger.ts";
export type { ServerOptions } from "./api/options.ts";
export type { Runtime } from "./api/runtime.ts";
export { createServer, type RealtimeServer } from "./api/server.ts";
export { type Config, readConfig } from "./config/config.ts";
export type { Environment } from "./config/table.ts";
export type { HistoryLimits, PublishReceipt } from "./log/log.ts";
export {
  type FieldError,
  type FieldErrors,
  RealtimeError,
  type RealtimeErrorCode,
} from "./realtime/errors.ts";
export { type ManagerOptions, RealtimeManager } from "./realtime/manager.ts";
export type { PublishInput, RecordAction, RecordInput, TopicInput } from "./realtime/message.ts";
export type {
  Collection,
  CollectionInput,
  CollectionRules,
  FieldType,
} from "./realtime/records/collection.ts";
export { formatSSEComment, formatSSEMessage, type SSEMessage } from "./realtime/sse.ts";
export type { TopicRule } from "./realtime/topic-rules.ts";
export type {
  ClientInfo,
  CloseReason,
  LogFields,
  Logger,
  ManagerStats,
  Principal,
  Revocation,
  TopicInfo,
} from "./realtime/types.ts";
export type { ClientRegistry } from "./registry/registry.ts";
