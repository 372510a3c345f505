import type { LogEntry } from "../../realtime/types.ts";
import type { EpochChain } from "../epochs.ts";
import type { LogOptions } from "../log.ts";
import type { LogCursors } from "../log-cursors.ts";
import { MemoryHistory } from "../memory-history.ts";
import type { SequencedEntry, Sequencer } from "./sequencer.ts";

/** What to load. */
export interface LoadRequest {
  readonly sequencer: Sequencer;
  readonly options: LogOptions;
  /** The epochs of the log, and its cursors with these epochs. */
  readonly epochs: EpochChain;
  readonly cursors: LogCursors;
  /** `SequencerState.oldest`. */
  readonly oldest: number;
  /** Sequence of the last entry to load. */
  readonly until: number;
  /** The clock of the sequencer. */
  readonly now: () => number;
}

/**
 * Loads the history up to an entry from the sequencer.
 *
 * @returns undefined if the log has changed meanwhile, or if the connection for reads is behind. Join again and repeat the call.
 * @throws RealtimeError as the methods of `Sequencer`.
 */
export async function loadHistory(request: LoadRequest): Promise<MemoryHistory | undefined> {
  const { sequencer, until, epochs, cursors, now } = request;
  const history = new MemoryHistory(request.options);
  // Read first: an entry that `after` no longer returns when it is read is still among them if it is kept.
  const kept = await readKept(sequencer, until);
  let nextKept = 0;
  const addKeptBefore = (sequence: number) => {
    for (; (kept[nextKept]?.sequence ?? sequence) < sequence; nextKept++) {
      const entry = kept[nextKept];
      const message = entry && toLogEntry(entry, cursors);
      if (entry === undefined || message === undefined || entry.sequence <= history.end) continue;
      history.addTrimmed(message, entry.sequence, entry.at);
    }
  };
  let position = request.oldest - 1;
  while (position < until) {
    const entries = await sequencer.after(position);
    if (entries.length === 0) return undefined;
    for (const entry of entries) {
      if (entry.sequence <= position) continue;
      position = entry.sequence;
      if (position > until) break;
      if (!epochs.hasEpochOf(entry)) return undefined;
      if (position > history.end + 1) {
        addKeptBefore(position);
        history.skipTo(position - 1);
      }
      applyEntry(history, entry, cursors);
    }
    history.trim(now());
  }
  if (history.end < until) {
    addKeptBefore(until + 1);
    if (history.end < until) history.skipTo(until);
  }
  return history;
}

async function readKept(sequencer: Sequencer, until: number): Promise<SequencedEntry[]> {
  const kept: SequencedEntry[] = [];
  for await (const page of sequencer.kept()) {
    for (const entry of page) if (entry.sequence <= until) kept.push(entry);
  }
  return kept.sort((a, b) => a.sequence - b.sequence);
}

/** Adds an entry with the next sequence to a history. */
function applyEntry(history: MemoryHistory, entry: SequencedEntry, cursors: LogCursors): void {
  history.add(toLogEntry(entry, cursors), entry.at);
  if (entry.content.kind === "erasure") history.erase(entry.content.topic);
}

/** Returns the message of an entry with its cursor. Undefined for an entry without a message. */
export function toLogEntry(
  { sequence, at, content }: SequencedEntry,
  cursors: LogCursors,
): LogEntry | undefined {
  if (content.kind !== "message") return undefined;
  return { cursor: cursors.format(sequence), at, message: content.message };
}
