import type { LogEntry } from "../realtime/types.ts";
import type { Bytes, Milliseconds, Seconds } from "../realtime/units.ts";

/** A message in the memory of a process. */
export interface StoredEntry {
  readonly sequence: number;
  /** When the message was appended, by the monotonic clock. */
  readonly appendedAt: Milliseconds;
  /** Undefined for an erased message, and for one that the log no longer has. */
  entry: LogEntry | undefined;
  /** A copy of `Message.ttl`, which is faster to read than the message. */
  readonly ttl: Seconds | undefined;
  /** 0 for an erased message. */
  size: Bytes;
  /** Number of topics that keep this message as one of their newest (`KeptTopics`). */
  keepers: number;
  /** Whether the log has dropped the message because of its limits. */
  isTrimmed: boolean;
}

/** Whether a message can be read: it is neither erased nor past its `ttl`. */
export function isReadable({ entry, appendedAt, ttl }: StoredEntry, now: Milliseconds): boolean {
  return entry !== undefined && (ttl === undefined || now - appendedAt < ttl * 1000);
}

/** Returns how many of the entries are before a sequence. The entries must be in the order of the log. */
export function countBefore(entries: readonly StoredEntry[], sequence: number): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((entries[middle]?.sequence ?? sequence) < sequence) low = middle + 1;
    else high = middle;
  }
  return low;
}
