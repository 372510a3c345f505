import type { Message } from "../../realtime/types.ts";
import type { Milliseconds } from "../../realtime/units.ts";
import type { Epoch } from "../epochs.ts";
import type { PublishReceipt, StoredRevocation } from "../log.ts";
import type { SharedPresence } from "../shared-presence.ts";

/** What an entry of a shared log does. */
export type SequencedContent =
  | { readonly kind: "message"; readonly message: Message }
  /** The earlier messages to these topics are erased (`MessageLog.erase`). */
  | { readonly kind: "erasure"; readonly topic: string }
  /** Credentials that were issued to the subject up to the time of the entry are refused. */
  | { readonly kind: "revocation"; readonly subject: string }
  /** The entry of a message that was erased. It still has its place. */
  | { readonly kind: "erased" };

/** The place of an entry in the order of a shared log. */
export interface Place {
  /**
   * Number of messages up to and including this entry. Each message raises the number by one. An erasure or a revocation has
   * the number of the message before it.
   */
  readonly sequence: number;
  /** 0 for a message. 1 for the first other entry after the message, 2 for the second, and so on. */
  readonly index: number;
}

/** One entry of a shared log. */
export interface SequencedEntry extends Place {
  /** Name of the epoch in which the entry was appended. */
  readonly epoch: string;
  /** When the entry was appended, in milliseconds since 1970, by the clock of the sequencer. Never less than an earlier entry's. */
  readonly at: number;
  readonly content: SequencedContent;
}

/** The state of a shared log, as `Sequencer.join` returns it. */
export interface SequencerState {
  /** The epochs, oldest first. */
  readonly epochs: readonly [Epoch, ...Epoch[]];
  /** Place of the newest entry. Both numbers are 0 in a new log. */
  readonly end: Place;
  /**
   * Sequence of the oldest message that `after` can return. `end.sequence + 1` if there is none. `after` also returns the other
   * entries between this message and the one before.
   */
  readonly oldest: number;
  /** The time by the clock of the sequencer, in milliseconds since 1970. */
  readonly now: number;
}

/** One call of `MessageLog.append`. All of its messages are appended, or none. */
export interface SequencerBatch {
  readonly messages: readonly Message[];
  /** Refuse the batch if this credential is revoked (`Principal.identity`, `Principal.issuedAt`). */
  readonly publisher?: { readonly identity: string; readonly issuedAt: number } | undefined;
}

/** The outcome of one batch. */
export type BatchOutcome =
  | {
      readonly kind: "appended";
      /** One receipt for each message. */
      readonly receipts: readonly PublishReceipt[];
      /** Position of the newest message of the batch, or of the log if all messages are duplicates. */
      readonly position: SequencerPosition;
    }
  /** Indexes of the messages with the id of an earlier message, but other content. */
  | { readonly kind: "id_reused"; readonly indexes: readonly number[] }
  /** The credential of the publisher is revoked. */
  | { readonly kind: "revoked" };

/** The place of an entry, with its epoch. */
export interface SequencerPosition extends Place {
  readonly epoch: string;
}

/** Maximum number of messages in one call of `Sequencer.append`, unless a single batch has more. */
export const MAX_APPEND = 1000;

/** Compares two places: negative if `a` is before `b`, 0 if they are equal. */
export function comparePlaces(a: Place, b: Place): number {
  return a.sequence - b.sequence || a.index - b.index;
}

/** Whether an entry has the place after another. */
export function isNext(entry: Place, last: Place): boolean {
  return entry.index === 0
    ? entry.sequence === last.sequence + 1
    : entry.sequence === last.sequence && entry.index === last.index + 1;
}

/**
 * A service outside the process that puts the messages of several processes into one order, and stores them for a while. The
 * sequencer also remembers message ids, kept messages and revocations. `ReplicaLog` reads the entries into the memory of the
 * process.
 *
 * Every method rejects with a `RealtimeError`: `unreachable` if the sequencer can't be reached or does not answer in time, and
 * `storage_failed` if it refuses to store. After a rejection, a later call connects again.
 */
export interface Sequencer {
  /** The members of topics. Omit the property if the sequencer keeps none. */
  readonly presence?: SharedPresence | undefined;
  /**
   * Reads the state of the log. Begins a new epoch if the sequencer may have lost its newest entries since the newest epoch began:
   * after a restart, a failover or a restored backup.
   */
  join(): Promise<SequencerState>;
  /**
   * Returns the kept messages (`TopicRule.keep`), in any order and in pages. A message may also be among the entries that
   * `after` returns.
   */
  kept(): AsyncIterable<readonly SequencedEntry[]>;
  /** Returns all revocations, oldest first. */
  revocations(): Promise<readonly StoredRevocation[]>;
  /**
   * Appends batches in their order. An entry of an earlier call never has a later place. If the call rejects with `unreachable`,
   * the batches may have been appended. A repeated call then returns duplicates.
   */
  append(batches: readonly SequencerBatch[]): Promise<readonly BatchOutcome[]>;
  /**
   * Returns entries after a place, oldest first. Waits up to about a second if there are none, and then returns none. The caller
   * must check that the first entry has the next place, because older entries may have been dropped, and that each entry has the
   * expected epoch.
   */
  after(place: Place): Promise<readonly SequencedEntry[]>;
  /**
   * Appends an entry of the kind `erasure`, and deletes the messages from the sequencer's storage.
   *
   * @returns The position of the new entry.
   */
  erase(topic: string): Promise<SequencerPosition>;
  /** Stores a revocation, and appends an entry of the kind `revocation`. `at` is the time of the entry. */
  revoke(subject: string): Promise<SequencerPosition & { readonly at: Milliseconds }>;
  /**
   * Closes the connections at once. Waiting calls reject with `unreachable`; a later call connects again. `ReplicaLog` calls this
   * when an answer shows that a connection is stale.
   */
  disconnect(): void;
  /** Closes the connections at once and for good. Calls without an answer reject. No method may be called afterwards. */
  close(): Promise<void>;
}
