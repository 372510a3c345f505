/** What the tabs of an origin and the host of their stream send each other over a BroadcastChannel. */
import type { KeyOptions } from "../key.ts";
import type { Status } from "../types.ts";

/** A subscription of a tab. */
export interface TabSubscription {
  /** Unique over all tabs. */
  readonly id: string;
  readonly topic: string;
  readonly options: KeyOptions;
  /** Whether the service had the subscription. At another host it resumes. */
  readonly hasBegun: boolean;
}

/** What is posted to the channel. Tabs ignore what other tabs send to the host. */
export type Posted = { readonly toHost: TabMessage } | { readonly toTabs: HostMessage };

/** What a tab sends to the host. */
export type TabMessage =
  /** A tab has started, or answers a host that has. */
  | {
      readonly kind: "hello";
      readonly tab: string;
      /** The id of the last event that the tab knows of. */
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

/** What the host sends to all tabs. */
export type HostMessage =
  /** A host has started: every tab answers `hello`. */
  | { readonly kind: "host" }
  /** The stream goes back to an earlier position. A tab has everything up to the last event, and must ignore it from now on. */
  | { readonly kind: "rewind" }
  | {
      readonly kind: "event";
      readonly ids: readonly string[];
      readonly data: unknown;
      readonly eventId: string;
    }
  /** The position of the stream has moved. `begun`: the subscriptions that the service has. */
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

/** What the host needs to know to open the stream. It is the name of the SharedWorker, as JSON. */
export interface HostSettings {
  /** Name of the channel, and beginning of the names of the locks. */
  readonly channel: string;
  readonly api: string;
  readonly withCredentials: boolean;
}

/** The lock that the host holds. A tab that waits for it becomes the host when the host is gone. */
export function hostLock(channel: string): string {
  return `${channel}:host`;
}

/** The lock that a tab holds as long as it lives. */
export function tabLock(channel: string, tab: string): string {
  return `${channel}:tab:${tab}`;
}

/** An event id (docs/protocol.md, "Which id does an event have?"). */
const EVENT_ID = /^\d+-[0-9A-Za-z]+-(\d+)(~[0-9a-f]+)?(\..*)?$/;

/** Returns the number of the message that has an event id. Undefined for an id that is not a message's. */
export function messageOf(eventId: string): number | undefined {
  const [, position, keyHash, suffix] = EVENT_ID.exec(eventId) ?? [];
  if (position === undefined || suffix !== undefined) return undefined;
  // The id of all but the last delivery of a message contains the position before the message.
  return Number(position) + (keyHash === undefined ? 0 : 1);
}

/** Returns the position in an event id: the number of messages up to it. Undefined for an id without a position. */
export function positionOf(eventId: string): number | undefined {
  const position = EVENT_ID.exec(eventId)?.[1];
  return position === undefined ? undefined : Number(position);
}

/** Returns the earlier of two event ids. An id without a position counts only if the other one has none either. */
export function earlier(one: string, other: string): string {
  const first = positionOf(one) ?? Number.POSITIVE_INFINITY;
  const second = positionOf(other) ?? Number.POSITIVE_INFINITY;
  if (first !== second) return first < second ? one : other;
  // Within a message, or at the same position.
  return one !== "" && !one.includes("~") ? one : other || one;
}
