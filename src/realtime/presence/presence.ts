/** Presence: the members of topics. This file has the names, types and limits that the parts of presence share. */
import type { Bytes, Milliseconds } from "../units.ts";

/** The members of the topic `chat` are published to the topic `$presence/chat`. */
export const PRESENCE_PREFIX = "$presence/";

/** The default of `PresenceOptions.grace`: 5 seconds. */
export const DEFAULT_PRESENCE_GRACE: Milliseconds = 5000;

/** Maximum size of `Principal.info` as JSON, in UTF-8, and of the fields that a client adds. */
export const MAX_INFO: Bytes = 1024;

/** In a topic with more members, the members are counted and not listed. */
export const MAX_LISTED_MEMBERS = 1000;

/** What other clients see of a member: a JSON object. */
export type MemberInfo = Readonly<Record<string, unknown>>;

/** A signed-in identity with at least one stream that is subscribed to exactly the topic. */
export interface Member {
  /** The identity. */
  readonly id: string;
  /** `Principal.info`, and the fields that the client has added. `{}` if there are none. */
  readonly info: MemberInfo;
  /** When the member joined, in milliseconds since 1970. */
  readonly since: number;
}

/** A change of the members or of the number of guests. `leave` has the last info of the member. */
export type PresenceChange =
  | { readonly type: "join" | "update" | "leave"; readonly member: Member }
  | { readonly type: "guests"; readonly guests: number };

/** The numbers of members and guests of a topic. */
export interface PresenceCounts {
  readonly members: number;
  /** Number of streams without an identity. */
  readonly guests: number;
}

/** A statement of all members of a topic. It replaces all that a subscriber has of the topic. */
export interface MembersEvent {
  readonly type: "members";
  /** Sorted by the time of joining. Undefined in a topic with more than `MAX_LISTED_MEMBERS` members. */
  readonly members?: readonly Member[] | undefined;
  /** Number of members. If `members` has fewer, the next events contain the others as `join`. */
  readonly count: number;
  /** Number of streams without an identity. */
  readonly guests: number;
}

/** The data of an event of `$presence/<topic>`. `changes` has several changes, in their order. */
export type PresenceEvent =
  | MembersEvent
  | PresenceChange
  | { readonly type: "changes"; readonly changes: readonly PresenceChange[] };

/** A member as a source reports it. */
export interface ReportedMember extends Member {
  /** When its info was last set, in milliseconds since 1970. Of the reports of several sources, the newest info counts. */
  readonly updatedAt: number;
}

/** What has changed among the streams of one source (a process or a hub) for one topic. */
export interface TopicReport {
  readonly topic: string;
  /** Whether the source has a stream that is subscribed to the topic. */
  readonly isOccupied: boolean;
  /** Number of guests of the source. */
  readonly guests: number;
  /** Members of the source that are new or have changed. */
  readonly present: readonly ReportedMember[];
  /** Ids of members that the source no longer has. */
  readonly left: readonly string[];
  /** Whether `present` has all members of the source. Members that were reported before and are not in `present` have left. */
  readonly isComplete: boolean;
}

/** Receives the reports of a manager, and combines them with those of other sources. Each adapter has its own. */
export interface PresenceStore {
  /**
   * Applies reports, and publishes what they change for subscribers.
   *
   * @returns A promise that rejects if the reports were not applied, or only in part. The manager then reports these topics
   *   again, with `isComplete`.
   */
  report(reports: readonly TopicReport[]): Promise<void>;
  /**
   * Calls `send` with all members of a topic, at once or later. When `send` is called, the members must include the changes of
   * all presence events of the topic that the manager has delivered. The members may be newer than these events.
   */
  withMembers(topic: string, send: (members: MembersEvent) => void): void;
}

/** Returns the presence topic of a topic. */
export function presenceTopicOf(topic: string): string {
  return PRESENCE_PREFIX + topic;
}

/** Returns the topic of a presence topic: `chat` for `$presence/chat`. Undefined for a pattern and for any other topic. */
export function watchedTopicOf(topic: string): string | undefined {
  if (!topic.startsWith(PRESENCE_PREFIX) || isPattern(topic)) return undefined;
  return topic.slice(PRESENCE_PREFIX.length);
}

/** Whether a topic is neither a pattern nor a presence topic. */
export function canHaveMembers(topic: string): boolean {
  return topic !== "" && !isPattern(topic) && !topic.startsWith(PRESENCE_PREFIX);
}

/** Whether the topic of a key is `prefix/*` or `*`. */
function isPattern(topic: string): boolean {
  return topic === "*" || topic.endsWith("/*");
}
