import { formatCursor, parseCursor } from "../realtime/cursor.ts";

/** Formats and parses the cursors of one log. They contain the log's shard and epoch. */
export class LogCursors {
  readonly #shard: number;
  readonly #epoch: string;

  /** @param shard Index of the shard, from 0. */
  constructor(shard: number, epoch: string) {
    this.#shard = shard;
    this.#epoch = epoch;
  }

  /** Returns the cursor of the message with this sequence. */
  format(sequence: number): string {
    return formatCursor({ shard: this.#shard, epoch: this.#epoch, sequence });
  }

  /** Returns the sequence in a cursor. Undefined for a cursor of another log, and for text that is not a cursor. */
  sequenceOf(text: string): number | undefined {
    const cursor = parseCursor(text);
    return cursor?.shard === this.#shard && cursor.epoch === this.#epoch
      ? cursor.sequence
      : undefined;
  }
}
