import type { FlushScheduler } from "../../src/realtime/delivery/flush-scheduler.ts";
import type { CloseReason } from "../../src/realtime/types.ts";
import { BufferedSink } from "../../src/stream/buffered-sink.ts";
import type { ChunkWriter, SinkListener } from "../../src/stream/sink.ts";
import { pause } from "./deadline.ts";

/** A sink over a stream that accepts a chunk only when `take` is called. */
export class SinkUnderTest {
  readonly sink: BufferedSink;
  /** Every chunk that was written to the stream. */
  readonly chunks: Uint8Array[] = [];
  /** Chunks for which `onQueued` was called and `onWritten` was not. */
  readonly queued: Uint8Array[] = [];
  overflows = 0;
  writeLimits = 0;
  time = 1000;
  /** Reasons with which `onClosed` was called. */
  readonly reasons: CloseReason[] = [];
  readonly #taking: (() => void)[] = [];

  constructor(maxBufferedBytes = 1000, maxWrites = 0, flushScheduler?: FlushScheduler) {
    const listener: SinkListener = {
      maxBufferedBytes,
      maxWrites,
      now: () => this.time,
      onOverflow: () => {
        this.overflows += 1;
      },
      onWriteLimit: () => {
        this.writeLimits += 1;
      },
      onQueued: (chunk) => this.queued.push(chunk),
      onWritten: (chunk) => {
        const index = this.queued.indexOf(chunk);
        if (index !== -1) this.queued.splice(index, 1);
      },
      onDisconnect: () => {},
      onDetached: () => {},
      onClosed: (reason) => this.reasons.push(reason),
    };
    const writer: ChunkWriter = {
      write: (chunk, sink) => {
        this.chunks.push(chunk);
        this.#taking.push(() => sink.done());
      },
      destroy: () => {},
    };
    this.sink = new BufferedSink(listener, writer, flushScheduler);
  }

  /** Sizes of the chunks so far. */
  get sizes(): number[] {
    return this.chunks.map(({ length }) => length);
  }

  /** The concatenated bytes of all chunks so far. */
  get bytes(): number[] {
    return this.chunks.flatMap((chunk) => [...chunk]);
  }

  /** Accepts the oldest pending chunk. False when there is none. */
  async take(): Promise<boolean> {
    const resolve = this.#taking.shift();
    resolve?.();
    await microtasks();
    return resolve !== undefined;
  }

  /** Accepts chunks until none is left. */
  async takeAll(): Promise<void> {
    while (await this.take());
  }
}

/** Lets promises settle within the current turn of the event loop. */
export async function microtasks(): Promise<void> {
  for (let count = 0; count < 10; count += 1) await Promise.resolve();
}

/** Waits for a few turns of the event loop. */
export async function turn(): Promise<void> {
  await pause(5);
  await microtasks();
}

export function frame(size: number, value = 0): Uint8Array {
  return new Uint8Array(size).fill(value);
}
