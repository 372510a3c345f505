/**
 * `pocketwire/adapter` has what the author of a registry or a log needs besides the public API of `pocketwire`. A registry
 * (`ClientRegistry`) knows which clients are connected, and a log (`MessageLog`) stores messages.
 *
 * @example
 * ```ts
 * import { createServer, RealtimeManager } from "pocketwire";
 * import { createInProcessRegistry, createMemoryLog } from "pocketwire/adapter";
 *
 * const manager = new RealtimeManager({ maxClients: 1000 });
 * const log = createMemoryLog({ history: { messages: 100 } });
 * const realtime = createServer({ registry: createInProcessRegistry({ manager, log }) });
 * ```
 */

export type { HistoryPage, HistoryRequest } from "./log/history.ts";
export { readHistory } from "./log/history.ts";
export type { KeptLimits, KeptStats, LogOptions, LogStats, MessageLog } from "./log/log.ts";
export { createMemoryLog, type MemoryLogOptions } from "./log/memory.ts";
export {
  type Cursor,
  formatCursor,
  newEpoch,
  parseCursor,
  sequenceOf,
} from "./realtime/cursor.ts";
export {
  type ClientSnapshot,
  type HibernationSupport,
  hibernationOf,
  presenceOf,
  type ReplayProgress,
} from "./realtime/manager.ts";
export { createMessage } from "./realtime/message.ts";
export type {
  MemberInfo,
  MembersEvent,
  PresenceChange,
  PresenceStore,
  TopicReport,
} from "./realtime/presence/presence.ts";
export type { PresenceOptions } from "./realtime/presence/presence-core.ts";
export type { PresenceSupport } from "./realtime/presence/presence-support.ts";
export type { ReplayState } from "./realtime/replay/replay-state.ts";
export {
  parseSubscription,
  type SubscriptionKey,
  type SubscriptionOptions,
} from "./realtime/subscriptions/subscription-key.ts";
export { TopicRules } from "./realtime/topic-rules.ts";
export type {
  FrameSink,
  LogEntry,
  LogReader,
  MaybePromise,
  Message,
  StartPosition,
  StreamOptions,
  SubscribeRequest,
  TailListener,
} from "./realtime/types.ts";
export { createInProcessRegistry, type InProcessOptions } from "./registry/in-process/registry.ts";
export type {
  ClientConnection,
  ClientPage,
  ClientRegistry,
  ConnectRequest,
  InfoRequest,
  OccupancyListener,
  PageRequest,
  RegistryStats,
  TopicPage,
} from "./registry/registry.ts";
