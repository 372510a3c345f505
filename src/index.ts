/** The library's face: re-exports, nothing else. */

export type { Identity } from "./api/auth/claims.ts";
export type { IntrospectionOptions } from "./api/auth/introspection.ts";
export type { AccessRequest, Authenticate, Authorize, AuthSettings } from "./api/auth/settings.ts";
export type { TokenAlgorithm, TokenOptions } from "./api/auth/token-options.ts";
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
export { type Config, type Environment, readConfig } from "./config/config.ts";
export type { HistoryPage, HistoryRequest } from "./log/history.ts";
export type {
  HistoryLimits,
  LogStats,
  MessageLog,
  PublishReceipt,
} from "./log/log.ts";
export { createMemoryLog, type MemoryLogOptions } from "./log/memory.ts";
export { type Cursor, formatCursor, newEpoch, parseCursor } from "./realtime/cursor.ts";
export {
  type FieldError,
  type FieldErrors,
  RealtimeError,
  type RealtimeErrorCode,
} from "./realtime/errors.ts";
export {
  type ClientSnapshot,
  type ManagerOptions,
  RealtimeManager,
  type ReplayProgress,
} from "./realtime/manager.ts";
export {
  createMessage,
  type PublishInput,
  type RecordAction,
  type RecordInput,
  type TopicInput,
} from "./realtime/message.ts";
export type { ReplayState } from "./realtime/replay/client-replay.ts";
export { formatSSEComment, formatSSEMessage, type SSEMessage } from "./realtime/sse.ts";
export {
  parseSubscription,
  type SubscriptionKey,
  type SubscriptionOptions,
} from "./realtime/subscriptions/subscription-key.ts";
export type {
  ClientInfo,
  CloseReason,
  FrameSink,
  LogEntry,
  LogFields,
  Logger,
  LogReader,
  ManagerStats,
  MaybePromise,
  Message,
  Principal,
  Revocation,
  StartPosition,
  SubscribeRequest,
  TailListener,
  TopicInfo,
} from "./realtime/types.ts";
export { createInProcessRegistry, type InProcessOptions } from "./registry/in-process/registry.ts";
export type {
  ClientConnection,
  ClientPage,
  ClientRegistry,
  ConnectRequest,
  PageRequest,
  RegistryStats,
  TopicPage,
} from "./registry/registry.ts";
