import { RealtimeError } from "../../realtime/errors.ts";
import type { GapListener, LogEntry, TailListener } from "../../realtime/types.ts";
import { EpochChain } from "../epochs.ts";
import type { LogOptions, StoredRevocation } from "../log.ts";
import { LogCursors } from "../log-cursors.ts";
import type { MemoryHistory } from "../memory-history.ts";
import { endOfSlice } from "./entry-slices.ts";
import { commonEnd, fitsEpoch } from "./epoch-chains.ts";
import { emptyEntry, isMessage, type LoadedLog, loadLog, toLogEntry } from "./load-history.ts";
import { PositionWaiters } from "./position-waiters.ts";
import {
  comparePlaces,
  isNext,
  type Place,
  type SequencedEntry,
  type Sequencer,
  type SequencerPosition,
  type SequencerState,
} from "./sequencer.ts";
import { SequencerClock } from "./sequencer-clock.ts";

/** Number of erasures of which the counts are remembered. */
const REMEMBERED_ERASURES = 100;

/** Number of joins in a row that may show fewer entries than this process has, before these entries count as lost. */
const MAX_STALE_JOINS = 50;

/** Options of `Replica`. */
export interface ReplicaOptions extends LogOptions {
  readonly sequencer: Sequencer;
  /** The clock for durations. */
  readonly monotonicNow: () => number;
  /** Runs a function in a later turn of the event loop. */
  readonly nextTurn: (run: () => void) => void;
}

interface Follower {
  readonly listener: TailListener;
  readonly onGap: GapListener | undefined;
}

/**
 * A copy of a shared log in the memory of this process. It receives the entries of the sequencer (`receive`) and delivers them to
 * tail listeners. `join` compares the copy with the log. The copy is loaded anew if the log has lost entries of the copy, or
 * has dropped entries that the copy never received. If messages are concerned, `join` calls `onGap` of each listener.
 */
export class Replica {
  readonly followers = new Set<Follower>();
  readonly revocationListeners = new Set<(revocation: StoredRevocation) => void>();
  /** Callers that wait for a position. */
  readonly waiters: PositionWaiters = new PositionWaiters((position) => this.hasReached(position));
  /** Number of erased messages by the position of the erasure. A place alone is used again after entries were lost. */
  readonly #erasures = new Map<string, number>();
  readonly #options: ReplicaOptions;
  readonly #clock: SequencerClock;
  #epochs: EpochChain;
  #cursors: LogCursors;
  #history: MemoryHistory;
  /** `Place.index` of the newest entry. */
  #index = 0;
  #staleJoins = 0;

  private constructor(options: ReplicaOptions, clock: SequencerClock, loaded: LoadedLog) {
    this.#options = options;
    this.#clock = clock;
    this.#epochs = loaded.epochs;
    this.#cursors = loaded.cursors;
    this.#history = loaded.history;
    this.#index = loaded.index;
  }

  /** Joins the log and loads its history. @returns undefined if the log has changed meanwhile. */
  static async open(options: ReplicaOptions): Promise<Replica | undefined> {
    const clock = new SequencerClock(options.monotonicNow);
    const state = await clock.measure(() => options.sequencer.join());
    const loaded = await loadLog(options, clock, state, state.end);
    return loaded && new Replica(options, clock, loaded);
  }

  get history(): MemoryHistory {
    return this.#history;
  }

  get cursors(): LogCursors {
    return this.#cursors;
  }

  /** The time by the clock of the sequencer. */
  now(): number {
    return this.#clock.now();
  }

  /** Place of the newest entry that this process has received. */
  get place(): Place {
    return { sequence: this.#history.end, index: this.#index };
  }

  /** Whether this process has received the entry at a position. */
  hasReached(position: SequencerPosition): boolean {
    const end = this.#epochs.endOf(position.epoch);
    return (
      end !== undefined && position.sequence <= end && comparePlaces(position, this.place) <= 0
    );
  }

  /** Whether the epoch of a position is known. */
  knows({ epoch }: SequencerPosition): boolean {
    return this.#epochs.endOf(epoch) !== undefined;
  }

  /** Returns the number of messages that the erasure at a position has erased here. */
  erasedBy(position: SequencerPosition): number {
    return this.#erasures.get(keyOf(position)) ?? 0;
  }

  /** Reads the state of the log, and loads the history anew if this copy is not a part of the log any more. */
  async join(): Promise<void> {
    const { sequencer } = this.#options;
    const state = await this.#clock.measure(() => sequencer.join());
    const epochs = new EpochChain(state.epochs);
    const { end } = this.#history;
    const isStale = this.#isStale(state, epochs);
    const validTo = Math.min(commonEnd(epochs, this.#epochs), end, state.end.sequence);
    const isComplete = validTo === end && state.oldest <= end + 1;
    // Erasures and revocations have no sequence of their own, so `validTo` does not show whether they are lost. After a change
    // of the epoch, an erasure that this copy has applied after its newest message may be missing in the log.
    const mayHaveLostEntries =
      this.#index > 0 && (isStale || epochs.newest.name !== this.#epochs.newest.name);
    if (isComplete && !mayHaveLostEntries) {
      this.#epochs = epochs;
      this.#cursors = new LogCursors(0, epochs);
      this.waiters.check();
      return;
    }
    const position = Math.max(validTo, state.oldest - 1);
    const loaded = await loadLog(this.#options, this.#clock, state, {
      sequence: position,
      index: 0,
    });
    if (loaded === undefined) throw changedMeanwhile();
    // The entries that were missed may have had revocations.
    const revocations = await sequencer.revocations();
    this.#epochs = loaded.epochs;
    this.#cursors = loaded.cursors;
    this.#history = loaded.history;
    this.#index = loaded.index;
    for (const revocation of revocations) this.#announceRevocation(revocation);
    if (!isComplete) for (const { onGap } of [...this.followers]) onGap?.({ validTo });
    this.waiters.check();
  }

  /**
   * Adds the next entries to the history, and delivers their messages.
   *
   * @returns false if entries do not follow the newest entry of the history. The caller must then call `join`.
   */
  async receive(entries: readonly SequencedEntry[]): Promise<boolean> {
    const next = entries.filter((entry) => comparePlaces(entry, this.place) > 0);
    let last = this.place;
    const misfit = next.findIndex((entry) => {
      const follows = isNext(entry, last) && fitsEpoch(this.#epochs, entry);
      last = entry;
      return !follows;
    });
    const fitting = misfit === -1 ? next : next.slice(0, misfit);
    for (let from = 0; from < fitting.length; ) {
      const until = endOfSlice(fitting, from);
      await Promise.all(this.#apply(fitting.slice(from, until)));
      from = until;
      if (from < fitting.length) await new Promise<void>(this.#options.nextTurn);
    }
    return misfit === -1;
  }

  /** Applies entries in one turn of the event loop. Returns what the tail listeners have returned. */
  #apply(entries: readonly SequencedEntry[]): unknown[] {
    const results: unknown[] = [];
    let messages: LogEntry[] = [];
    const announce = () => {
      if (messages.length === 0) return;
      this.#history.trim(this.now());
      for (const { listener } of [...this.followers]) results.push(listener(messages));
      messages = [];
    };
    for (const entry of entries) {
      this.#index = entry.index;
      if (isMessage(entry)) {
        const message = toLogEntry(entry, this.#cursors);
        this.#history.add(message, entry.at);
        // An erased message advances the position of live clients, and reaches none of them.
        messages.push(message ?? emptyEntry(entry, this.#cursors));
        continue;
      }
      announce();
      const { content, at } = entry;
      if (content.kind === "erasure") this.#erase(content.topic, entry);
      if (content.kind === "revocation") this.#announceRevocation({ subject: content.subject, at });
    }
    announce();
    this.waiters.check();
    return results;
  }

  #erase(topic: string, position: SequencerPosition): void {
    // An erasure that is applied twice erases nothing the second time.
    const earlier = this.#erasures.get(keyOf(position)) ?? 0;
    this.#erasures.set(keyOf(position), earlier + this.#history.erase(topic));
    const [oldest] = this.#erasures.keys();
    if (this.#erasures.size > REMEMBERED_ERASURES && oldest !== undefined) {
      this.#erasures.delete(oldest);
    }
  }

  #announceRevocation(revocation: StoredRevocation): void {
    for (const listener of this.revocationListeners) listener(revocation);
  }

  /**
   * Returns false if the server has all entries of this copy, or is in an epoch that is not known here. Otherwise the server is
   * usually behind, for example a primary that was replaced: the method throws, and the reader joins again. After
   * `MAX_STALE_JOINS` joins in a row, the entries count as lost, and the method returns true.
   *
   * @throws RealtimeError `unreachable` while the server may still catch up.
   */
  #isStale({ end }: SequencerState, epochs: EpochChain): boolean {
    const { name } = epochs.newest;
    const isSameEpoch = name === this.#epochs.newest.name;
    // A server that has really lost entries begins a new epoch, which is not known here.
    const isOlderEpoch = !isSameEpoch && this.#epochs.endOf(name) !== undefined;
    const isBehind = isOlderEpoch || (isSameEpoch && comparePlaces(end, this.place) < 0);
    this.#staleJoins = isBehind ? this.#staleJoins + 1 : 0;
    if (!isBehind) return false;
    if (this.#staleJoins > MAX_STALE_JOINS) return true;
    // Another connection may lead to another server.
    this.#options.sequencer.disconnect();
    throw new RealtimeError("unreachable", "The server has fewer messages than this process.");
  }
}

function keyOf({ epoch, sequence, index }: SequencerPosition): string {
  return `${epoch} ${sequence}-${index}`;
}

/** Creates the error of a load during which the log has changed. */
export function changedMeanwhile(): RealtimeError {
  return new RealtimeError(
    "unreachable",
    "The log has changed while it was loaded. Try again soon.",
  );
}
