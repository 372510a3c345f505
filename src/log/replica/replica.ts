import { RealtimeError } from "../../realtime/errors.ts";
import type { GapListener, LogEntry, TailListener } from "../../realtime/types.ts";
import type { Bytes, Milliseconds } from "../../realtime/units.ts";
import { EpochChain } from "../epochs.ts";
import { type LogOptions, messageSize, type StoredRevocation } from "../log.ts";
import { LogCursors } from "../log-cursors.ts";
import type { MemoryHistory } from "../memory-history.ts";
import { loadHistory, toLogEntry } from "./load-history.ts";
import { PositionWaiters } from "./position-waiters.ts";
import type { SequencedEntry, Sequencer, SequencerPosition, SequencerState } from "./sequencer.ts";

/** Maximum size of the messages that are delivered in one turn of the event loop. */
const MAX_SLICE: Bytes = 256 * 1024;

/** Number of erasures whose counts are remembered. */
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
 * tail listeners. `join` compares the copy with the log. If the log has lost entries of the copy, or the copy has missed entries, the
 * copy is loaded anew, and the listeners are told of the gap.
 */
export class Replica {
  readonly followers = new Set<Follower>();
  readonly revocationListeners = new Set<(revocation: StoredRevocation) => void>();
  /** Callers that wait for a position. */
  readonly waiters: PositionWaiters = new PositionWaiters((position) => this.hasReached(position));
  /** Number of erased messages by the sequence of the erasure. */
  readonly #erasures = new Map<number, number>();
  readonly #options: ReplicaOptions;
  #epochs: EpochChain;
  #cursors: LogCursors;
  #history: MemoryHistory;
  /** The clock of the sequencer minus the monotonic clock. */
  #clockOffset: Milliseconds;
  #staleJoins = 0;

  private constructor(options: ReplicaOptions, loaded: LoadedLog) {
    this.#options = options;
    this.#epochs = loaded.epochs;
    this.#cursors = loaded.cursors;
    this.#history = loaded.history;
    this.#clockOffset = loaded.clockOffset;
  }

  /** Joins the log and loads its history. @returns undefined if the log has changed meanwhile. */
  static async open(options: ReplicaOptions): Promise<Replica | undefined> {
    const state = await options.sequencer.join();
    const loaded = await load(options, state, state.end);
    return loaded && new Replica(options, loaded);
  }

  get history(): MemoryHistory {
    return this.#history;
  }

  get cursors(): LogCursors {
    return this.#cursors;
  }

  /** The time by the clock of the sequencer. */
  now(): number {
    return this.#options.monotonicNow() + this.#clockOffset;
  }

  /** Whether this process has received the entry at a position. */
  hasReached({ epoch, sequence }: SequencerPosition): boolean {
    const end = this.#epochs.endOf(epoch);
    return end !== undefined && sequence <= end && sequence <= this.#history.end;
  }

  /** Returns the number of messages that an erasure has erased here. */
  erasedBy(sequence: number): number {
    return this.#erasures.get(sequence) ?? 0;
  }

  /** Reads the state of the log, and loads the history anew if this copy is not a part of the log any more. */
  async join(): Promise<void> {
    const { sequencer } = this.#options;
    const state = await sequencer.join();
    const epochs = new EpochChain(state.epochs);
    const { end } = this.#history;
    const validTo = Math.min(epochs.commonEnd(this.#epochs), end, this.#endOf(state));
    if (validTo === end && state.oldest <= end + 1) {
      this.#epochs = epochs;
      this.#cursors = new LogCursors(0, epochs);
      this.#clockOffset = clockOffset(this.#options, state);
      this.waiters.check();
      return;
    }
    const loaded = await load(this.#options, state, Math.max(validTo, state.oldest - 1));
    if (loaded === undefined) throw changedMeanwhile();
    // The entries that were missed may have had revocations.
    const revocations = await sequencer.revocations();
    this.#epochs = loaded.epochs;
    this.#cursors = loaded.cursors;
    this.#history = loaded.history;
    this.#clockOffset = loaded.clockOffset;
    for (const revocation of revocations) this.#announceRevocation(revocation);
    for (const { onGap } of [...this.followers]) onGap?.({ validTo });
    this.waiters.check();
  }

  /**
   * Adds the next entries to the history, and delivers their messages.
   *
   * @returns false if entries do not follow the newest entry of the history. The caller must then call `join`.
   */
  async receive(entries: readonly SequencedEntry[]): Promise<boolean> {
    const next = entries.filter(({ sequence }) => sequence > this.#history.end);
    const misfit = next.findIndex(
      (entry, index) =>
        entry.sequence !== this.#history.end + 1 + index || !this.#epochs.hasEpochOf(entry),
    );
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
      for (const { listener } of [...this.followers]) results.push(listener(messages));
      messages = [];
    };
    for (const entry of entries) {
      const message = toLogEntry(entry, this.#cursors);
      this.#history.add(message, entry.at);
      if (message !== undefined) {
        messages.push(message);
        continue;
      }
      announce();
      const { content, sequence, at } = entry;
      if (content.kind === "erasure") this.#erase(content.topic, sequence);
      if (content.kind === "revocation") this.#announceRevocation({ subject: content.subject, at });
    }
    announce();
    this.#history.trim(this.now());
    this.waiters.check();
    return results;
  }

  #erase(topic: string, sequence: number): void {
    this.#erasures.set(sequence, this.#history.erase(topic));
    const [oldest] = this.#erasures.keys();
    if (this.#erasures.size > REMEMBERED_ERASURES && oldest !== undefined) {
      this.#erasures.delete(oldest);
    }
  }

  #announceRevocation(revocation: StoredRevocation): void {
    for (const listener of this.revocationListeners) listener(revocation);
  }

  /**
   * Returns the end of the log. A server that has fewer entries than this process in the same epoch is usually behind, for example
   * a replica that is not yet promoted.
   *
   * @throws RealtimeError `unreachable` if the server is behind. If the server stays behind, the entries are lost.
   */
  #endOf({ epochs, end }: SequencerState): number {
    const isSameEpoch = new EpochChain(epochs).commonEnd(this.#epochs) === Number.POSITIVE_INFINITY;
    if (!isSameEpoch || end >= this.#history.end) this.#staleJoins = 0;
    else this.#staleJoins += 1;
    if (this.#staleJoins === 0 || this.#staleJoins > MAX_STALE_JOINS) return end;
    throw new RealtimeError("unreachable", "The server has fewer messages than this process.");
  }
}

/** The parts of a replica that `join` replaces. */
interface LoadedLog {
  readonly epochs: EpochChain;
  readonly cursors: LogCursors;
  readonly history: MemoryHistory;
  readonly clockOffset: Milliseconds;
}

async function load(
  options: ReplicaOptions,
  state: SequencerState,
  until: number,
): Promise<LoadedLog | undefined> {
  const epochs = new EpochChain(state.epochs);
  const cursors = new LogCursors(0, epochs);
  const offset = clockOffset(options, state);
  const now = () => options.monotonicNow() + offset;
  const { sequencer } = options;
  const { oldest } = state;
  const request = { sequencer, options, epochs, cursors, oldest, until, now };
  const history = await loadHistory(request);
  return history && { epochs, cursors, history, clockOffset: offset };
}

function clockOffset({ monotonicNow }: ReplicaOptions, { now }: SequencerState): Milliseconds {
  return now - monotonicNow();
}

/** Returns the index after the last entry of a slice that begins at `from`. */
function endOfSlice(entries: readonly SequencedEntry[], from: number): number {
  let bytes = 0;
  for (let index = from; index < entries.length; index++) {
    const content = entries[index]?.content;
    if (content?.kind === "message") bytes += messageSize(content.message);
    if (bytes > MAX_SLICE && index > from) return index;
  }
  return entries.length;
}

export function changedMeanwhile(): RealtimeError {
  return new RealtimeError(
    "unreachable",
    "The log has changed while it was loaded. Try again soon.",
  );
}
