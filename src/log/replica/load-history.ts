import type { LogEntry } from "../../realtime/types.ts";
import { EpochChain } from "../epochs.ts";
import type { LogOptions } from "../log.ts";
import { LogCursors } from "../log-cursors.ts";
import { MemoryHistory } from "../memory-history.ts";
import { fitsEpoch } from "./epoch-chains.ts";
import {
  comparePlaces,
  type Place,
  type SequencedEntry,
  type Sequencer,
  type SequencerState,
} from "./sequencer.ts";
import type { SequencerClock } from "./sequencer-clock.ts";

/** The options of a replica that loading needs. */
interface LoadOptions extends LogOptions {
  readonly sequencer: Sequencer;
}

/** The parts of a replica that `join` replaces. */
export interface LoadedLog {
  readonly epochs: EpochChain;
  readonly cursors: LogCursors;
  readonly history: MemoryHistory;
  /** `Place.index` of the last entry. */
  readonly index: number;
}

/**
 * Loads the history up to a place.
 *
 * @returns undefined as `loadHistory`.
 */
export async function loadLog(
  options: LoadOptions,
  clock: SequencerClock,
  state: SequencerState,
  until: Place,
): Promise<LoadedLog | undefined> {
  const epochs = new EpochChain(state.epochs);
  const cursors = new LogCursors(0, epochs);
  const { sequencer } = options;
  const { oldest } = state;
  const request = { sequencer, options, epochs, cursors, oldest, until, now: () => clock.now() };
  const history = await loadHistory(request);
  return history && { epochs, cursors, history, index: until.index };
}

/** What to load. */
interface LoadRequest {
  readonly sequencer: Sequencer;
  readonly options: LogOptions;
  /** The epochs of the log, and its cursors with these epochs. */
  readonly epochs: EpochChain;
  readonly cursors: LogCursors;
  /** `SequencerState.oldest`. */
  readonly oldest: number;
  /** Place of the last entry to load. */
  readonly until: Place;
  /** The clock of the sequencer. */
  readonly now: () => number;
}

/**
 * Loads the history up to an entry from the sequencer.
 *
 * @returns undefined if the log has changed meanwhile, or if the connection for reads is behind. Join again and repeat the call.
 * @throws RealtimeError as the methods of `Sequencer`.
 */
async function loadHistory(request: LoadRequest): Promise<MemoryHistory | undefined> {
  const { sequencer, until, epochs, cursors, now } = request;
  const history = new MemoryHistory(request.options);
  // The kept messages are read before the stream. If a kept message is dropped from the stream meanwhile, this list still has
  // it.
  const kept = await readKept(sequencer, until.sequence);
  let nextKept = 0;
  const addKeptUpTo = (sequence: number) => {
    for (; (kept[nextKept]?.sequence ?? Number.POSITIVE_INFINITY) <= sequence; nextKept++) {
      const entry = kept[nextKept];
      const message = entry && toLogEntry(entry, cursors);
      if (entry === undefined || message === undefined || entry.sequence <= history.end) continue;
      history.addTrimmed(message, entry.sequence, entry.at);
    }
    if (history.end < sequence) history.skipTo(sequence);
  };
  let place: Place = { sequence: request.oldest - 1, index: 0 };
  while (comparePlaces(place, until) < 0) {
    const entries = await sequencer.after(place);
    if (entries.length === 0) return undefined;
    for (const entry of entries) {
      if (comparePlaces(entry, place) <= 0) continue;
      place = entry;
      if (comparePlaces(place, until) > 0) break;
      if (!fitsEpoch(epochs, entry)) return undefined;
      addKeptUpTo(isMessage(entry) ? entry.sequence - 1 : entry.sequence);
      applyEntry(history, entry, cursors);
    }
    history.trim(now());
  }
  addKeptUpTo(until.sequence);
  return history;
}

async function readKept(sequencer: Sequencer, until: number): Promise<SequencedEntry[]> {
  const kept: SequencedEntry[] = [];
  for await (const page of sequencer.kept()) {
    for (const entry of page) if (entry.sequence <= until) kept.push(entry);
  }
  return kept.sort((a, b) => a.sequence - b.sequence);
}

/** Adds the next entry to a history. */
function applyEntry(history: MemoryHistory, entry: SequencedEntry, cursors: LogCursors): void {
  if (isMessage(entry)) history.add(toLogEntry(entry, cursors), entry.at);
  if (entry.content.kind === "erasure") history.erase(entry.content.topic);
}

/** Whether an entry is a message, or the entry of a message that was erased. */
export function isMessage({ index }: SequencedEntry): boolean {
  return index === 0;
}

/** Returns the message of an entry with its cursor. Undefined for an entry without a message. */
export function toLogEntry(
  { sequence, at, content }: SequencedEntry,
  cursors: LogCursors,
): LogEntry | undefined {
  if (content.kind !== "message") return undefined;
  return { cursor: cursors.format(sequence), at, message: content.message };
}

/** Returns an entry without a topic, for a message that was erased before this process received it. */
export function emptyEntry({ sequence, at }: SequencedEntry, cursors: LogCursors): LogEntry {
  const message = { id: "", topics: [], data: "null", private: false };
  return { cursor: cursors.format(sequence), at, message };
}
