import type { Place, SequencedEntry } from "../../../log/replica/sequencer.ts";
import type { Milliseconds } from "../../../realtime/units.ts";
import type { RedisConnection } from "./connection.ts";
import { decodeEntry } from "./entry-codec.ts";

/** Time that Redis waits for new entries. */
const BLOCK: Milliseconds = 1000;

/** XREAD limits the number of entries, but not their size. The number is adapted so that an answer has about this many characters. */
const PAGE_SIZE = 1024 * 1024;
const MAX_COUNT = 2000;

/** Pause after a page while messages arrive fast: Redis then sends several entries in one answer. */
const BUSY_PAUSE: Milliseconds = 5;

/** Entries a second above which the reader pauses. */
const BUSY_RATE = 200;

/** Reads the entries of the stream on a connection of its own, because a waiting read blocks its connection. */
export class StreamReader {
  readonly #connection: RedisConnection;
  readonly #key: string;
  #count = 100;
  #readAt = 0;
  /** Entries a second, averaged over about a second. */
  #rate = 0;

  constructor(connection: RedisConnection, key: string) {
    this.#connection = connection;
    this.#key = key;
  }

  /** Implements `Sequencer.after`. */
  async after({ sequence, index }: Place): Promise<readonly SequencedEntry[]> {
    if (this.#rate > BUSY_RATE) await new Promise((resolve) => setTimeout(resolve, BUSY_PAUSE));
    const answer = await this.#connection.send([
      ...["XREAD", "COUNT", String(this.#count), "BLOCK", String(BLOCK)],
      ...["STREAMS", this.#key, `${sequence}-${index}`],
    ]);
    // The cast: XREAD answers with a list of streams, each with its name and entries.
    const [stream] = (answer ?? []) as [string, [string, string[]][]][];
    const entries = (stream?.[1] ?? []).map(([id, fields]) => decodeEntry(id, fields));
    this.#adapt(stream?.[1] ?? []);
    return entries;
  }

  disconnect(): void {
    this.#connection.disconnect();
  }

  close(): void {
    this.#connection.close();
  }

  #adapt(entries: readonly [string, string[]][]): void {
    const now = performance.now();
    const elapsed = Math.max(now - this.#readAt, 1);
    this.#readAt = now;
    const weight = Math.min(elapsed / 1000, 1);
    this.#rate += ((entries.length * 1000) / elapsed - this.#rate) * weight;
    if (entries.length === 0) return;
    let size = 0;
    for (const [, fields] of entries) for (const field of fields) size += field.length;
    const fitting = Math.floor((PAGE_SIZE * entries.length) / Math.max(size, 1));
    this.#count = Math.min(Math.max(fitting, 1), MAX_COUNT);
  }
}
