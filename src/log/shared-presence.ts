import type {
  MembersEvent,
  PresenceCounts,
  ReportedMember,
} from "../realtime/presence/presence.ts";
import type { Milliseconds } from "../realtime/units.ts";

/** A part of the report of one topic. A large report has several parts. */
export interface PresencePart {
  readonly topic: string;
  /** Whether the source has a stream that is subscribed to the topic. */
  readonly isOccupied: boolean;
  readonly guests: number;
  /** Members of the source that are new or have changed. */
  readonly present: readonly ReportedMember[];
  /** Ids of members that the source no longer has. */
  readonly left: readonly string[];
  /**
   * Also removes members that the source has reported only in calls before the call `before`. One part examines a slice of the
   * members: repeat the removal with the cursor of its outcome. Default: no further member is removed.
   */
  readonly removal?: { readonly before: number; readonly cursor: string } | undefined;
  /** Properties of the messages to `$presence/<topic>`. */
  readonly message: { readonly private: boolean; readonly ttl: number | undefined };
}

/** One call of `SharedPresence.apply`. */
export interface PresenceCall {
  readonly source: string;
  /**
   * `first`: also registers the source if it was never known. `next`: the source must be known. `removal`: the source must be
   * retired (`SharedPresence.retire`).
   */
  readonly kind: "first" | "next" | "removal";
  /** Number of the call, from 1. If the source's last call had this number, nothing is applied, and its outcomes are returned again. */
  readonly number: number;
  /** Time from now at which the source counts as gone if it is not renewed. */
  readonly lease: Milliseconds;
  readonly parts: readonly PresencePart[];
}

/** What one part has changed. */
export interface PartOutcome {
  /** Whether the topic has got its first stream, over all sources, or lost its last one. */
  readonly occupancy: "occupied" | "vacated" | undefined;
  /** The cursor at which the removal must continue. Undefined if nothing remains to be removed. */
  readonly cursor: string | undefined;
}

/** The members of a topic at a position of the log. */
export interface MembersAt {
  readonly members: MembersEvent;
  /** Number of messages of the log at the position. */
  readonly sequence: number;
}

/** The answer of `SharedPresence.renew`. */
export interface Renewal {
  /** Whether the source had counted as gone. Other sources may then be late for the same reason. */
  readonly wasLate: boolean;
  /** Some of the sources that count as gone. */
  readonly gone: readonly string[];
}

/**
 * The members of topics over several processes, beside the log that the processes share. A source is a process with the members that
 * it reports. The name of a source is never used again after the source was retired.
 *
 * Every method rejects with a `RealtimeError`: `unreachable` or `storage_failed`.
 */
export interface SharedPresence {
  /**
   * Applies a part of the reports of one source, and appends the resulting messages to the log, all at once. The order of the messages
   * in the log is therefore the order of the changes.
   *
   * @returns An outcome for each part. Undefined if the source is not known: report everything again as a new source.
   */
  apply(call: PresenceCall): Promise<readonly PartOutcome[] | undefined>;
  /** Returns the members of a topic. */
  read(topic: string): Promise<MembersAt>;
  /** Returns the numbers of at most 1,000 topics, in the order of the topics. */
  count(topics: readonly string[]): Promise<readonly PresenceCounts[]>;
  /**
   * Extends the lease of a source.
   *
   * @param isFirst Registers the source if it was never known.
   * @returns undefined if the source is not known.
   */
  renew(source: string, lease: Milliseconds, isFirst: boolean): Promise<Renewal | undefined>;
  /**
   * Retires a source that counts as gone: from now on the source is not known, and its members can be removed. Several processes may
   * do so.
   *
   * @returns Some topics in which the source still has members, guests or streams. Remove them, and call the method again. Empty if
   *   none remain, and if the source does not count as gone.
   */
  retire(source: string): Promise<readonly string[]>;
}
