/** The messages between the tabs of an origin and the host of their shared stream, over a BroadcastChannel. */
import type { KeyOptions } from "../key.ts";
import type { Status } from "../types.ts";

/** A subscription of a tab. */
export interface TabSubscription {
  /** Unique over all tabs. */
  readonly id: string;
  readonly topic: string;
  readonly options: KeyOptions;
  /** Whether the subscription began at an earlier host. It then resumes. */
  readonly hasBegun: boolean;
}

/** An object that is posted to the channel. Tabs ignore `toHost`, and the host ignores `toTabs`. */
export type Posted = { readonly toHost: TabMessage } | { readonly toTabs: HostMessage };

/** A message of a tab to the host. */
export type TabMessage =
  /** A tab has started, or answers the message `host`. */
  | {
      readonly kind: "hello";
      readonly tab: string;
      /** The id of the last event that the tab has received. */
      readonly cursor: string;
      readonly subscriptions: readonly TabSubscription[];
    }
  | { readonly kind: "add"; readonly tab: string; readonly subscription: TabSubscription }
  | { readonly kind: "remove"; readonly tab: string; readonly ids: readonly string[] }
  | { readonly kind: "reconnect" }
  | { readonly kind: "wake" }
  /** Asks whether the host is alive. */
  | { readonly kind: "probe" }
  /** Answers `ask`. */
  | {
      readonly kind: "token";
      readonly ask: string;
      readonly token?: string;
      readonly error?: string;
    };

/** A message of the host to all tabs. */
export type HostMessage =
  /** A host has started: every tab answers `hello`. */
  | { readonly kind: "host" }
  /** The stream goes back to an earlier position. Each tab must ignore the messages that it has already received. */
  | { readonly kind: "rewind" }
  | {
      readonly kind: "event";
      readonly ids: readonly string[];
      readonly data: unknown;
      readonly eventId: string;
    }
  /** The position of the stream has moved. `begun`: ids of the subscriptions that have begun. */
  | { readonly kind: "progress"; readonly cursor: string; readonly begun: readonly string[] }
  | { readonly kind: "status"; readonly status: Status; readonly clientId?: string | undefined }
  | { readonly kind: "gap" }
  | {
      readonly kind: "error";
      readonly message: string;
      readonly status: number;
      readonly topic?: string | undefined;
      readonly data?: unknown;
      /** The subscriptions that the service refuses. Undefined for an error of all. */
      readonly ids?: readonly string[] | undefined;
    }
  /** Asks the tabs for a fresh token. */
  | { readonly kind: "ask"; readonly ask: string };

/** The settings that the host opens the stream with. As JSON, they are the name of the SharedWorker. */
export interface HostSettings {
  /** Name of the channel, and beginning of the names of the locks. */
  readonly channel: string;
  readonly api: string;
  readonly withCredentials: boolean;
}

/** Name of the lock that the host holds. When the host is gone, the next tab that waits for the lock becomes the host. */
export function hostLock(channel: string): string {
  return `${channel}:host`;
}

/** Name of the lock that a tab holds until it is closed. */
export function tabLock(channel: string, tab: string): string {
  return `${channel}:tab:${tab}`;
}

/** An event id (docs/protocol.md, "Which id does an event have?"). */
const EVENT_ID = /^\d+-[0-9A-Za-z]+-(\d+)(~[0-9a-f]+)?(\..*)?$/;

/** Returns the number of the message in an event id. Undefined for the id of an event that is not a message. */
export function messageOf(eventId: string): number | undefined {
  const [, position, keyHash, suffix] = EVENT_ID.exec(eventId) ?? [];
  if (position === undefined || suffix !== undefined) return undefined;
  // If a message is delivered under several keys, all ids but the last contain the position before the message.
  return Number(position) + (keyHash === undefined ? 0 : 1);
}

/** Returns the position in an event id: the number of messages up to it. Undefined for an id without a position. */
export function positionOf(eventId: string): number | undefined {
  const position = EVENT_ID.exec(eventId)?.[1];
  return position === undefined ? undefined : Number(position);
}

/**
 * Returns the earlier of two event ids. An id without a position counts only if the other one has none either. Of two epochs,
 * only the service knows which position is earlier, and whether a stream can resume from it: the result is then `other`.
 */
export function earlier(one: string, other: string): string {
  const first = positionOf(one) ?? Number.POSITIVE_INFINITY;
  const second = positionOf(other) ?? Number.POSITIVE_INFINITY;
  if (Math.max(first, second) < Number.POSITIVE_INFINITY && epochOf(one) !== epochOf(other)) {
    return other;
  }
  if (first !== second) return first < second ? one : other;
  // Within a message, or at the same position.
  return one !== "" && !one.includes("~") ? one : other || one;
}

/** Returns the shard and the epoch of an event id with a position. */
function epochOf(eventId: string): string {
  return eventId.split("-", 2).join("-");
}
