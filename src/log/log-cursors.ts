import { type Cursor, formatCursor, parseCursor } from "../realtime/cursor.ts";
import type { EpochChain } from "./epochs.ts";

/** Formats and reads the cursors of one log. They contain the log's shard and an epoch. */
export class LogCursors {
  readonly #shard: number;
  readonly #epochs: EpochChain;

  /** @param shard Index of the shard, from 0. */
  constructor(shard: number, epochs: EpochChain) {
    this.#shard = shard;
    this.#epochs = epochs;
  }

  /** Returns the cursor of the message with this sequence. It stays the same in later epochs. */
  format(sequence: number): string {
    const epoch = this.#epochs.nameOf(sequence);
    return formatCursor({ shard: this.#shard, epoch, sequence });
  }

  /** Returns the cursor of a position in the current epoch. */
  formatNewest(sequence: number): string {
    return formatCursor({ shard: this.#shard, epoch: this.#epochs.newest.name, sequence });
  }

  /** Whether a cursor names a position of this log. The position may be after the newest message of the current epoch. */
  isValid({ shard, epoch, sequence }: Cursor): boolean {
    return shard === this.#shard && sequence <= (this.#epochs.endOf(epoch) ?? -1);
  }

  /** Returns the sequence in a cursor. Undefined for a cursor that is not valid, and for text that is not a cursor. */
  sequenceOf(text: string): number | undefined {
    const cursor = parseCursor(text);
    return cursor !== undefined && this.isValid(cursor) ? cursor.sequence : undefined;
  }
}
