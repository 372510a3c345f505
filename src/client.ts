/**
 * The client for browsers, Node and Bun. It has no dependencies.
 *
 * @example
 * ```ts
 * import { connect } from "pocketwire/client";
 *
 * const realtime = connect("http://127.0.0.1:8090");
 * const off = realtime.subscribe("chat/*", ({ topic, data }) => console.log(topic, data), { last: 20 });
 * ```
 */
export { connect } from "./client/connect.ts";
export type {
  ConnectOptions,
  EventMap,
  EventSourceLike,
  HistoryOptions,
  HistoryPage,
  Member,
  Message,
  PayloadOf,
  Presence,
  Publication,
  Realtime,
  RealtimeClientError,
  RealtimeEvents,
  Status,
  SubscribeOptions,
} from "./client/types.ts";
