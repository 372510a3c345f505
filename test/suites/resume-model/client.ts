import { createParser, type EventSourceMessage } from "eventsource-parser";
import { expect } from "vitest";
import { parseCursor } from "../../../src/realtime/cursor.ts";
import { formatSSEMessage } from "../../../src/realtime/sse.ts";
import type { ClientConnection } from "../../../src/registry/registry.ts";
import { emptyBlocksIn } from "../../support/blocks.ts";
import { lastEventIdOf } from "../../support/last-event-id.ts";
import { RecordingSink } from "../../support/recording-sink.ts";
import { type Book, numberOf } from "./book.ts";
import type { Cut } from "./steps.ts";

/** One stream of a client, as its bytes. */
class Stream extends RecordingSink {
  readonly #book: Book;
  /** For every frame: the newest message there was as it came, and the oldest that was kept. */
  readonly times: { readonly now: number; readonly oldest: number }[] = [];

  constructor(book: Book) {
    super();
    this.#book = book;
  }

  override write(frame: Uint8Array): boolean {
    this.times.push({ now: this.#book.now, oldest: this.#book.oldest });
    return super.write(frame);
  }
}

interface Open {
  readonly connection: ClientConnection;
  readonly sink: Stream;
  /** The place that it was opened at; undefined when that is gone, and so its client is to be told. */
  readonly from: number | undefined;
  /** Bytes at its beginning whose ids are not for it: it is about to post an id of its own. */
  readonly ignored: number;
}

/** Numbers of messages that a client was told it may have missed: behind `from`, up to `to`. */
interface Gap {
  readonly from: number;
  readonly to: number;
}

/** An event as its client got it, and the times of the write that it ended in. */
interface Arrival {
  readonly event: EventSourceMessage;
  readonly now: number;
  readonly oldest: number;
}

/** A client as it sees itself: what arrived over all its streams, and the last id it has. */
export class ModelClient {
  /** Keys, and the newest message when each was first asked for. */
  readonly keys = new Map<string, number>();
  lastEventId: string | undefined;
  /** Of the log that `lastEventId` is of. */
  life = 0;
  open: Open | undefined;
  readonly #book: Book;
  readonly #got: { readonly key: string; readonly number: number; readonly isPart: boolean }[] = [];
  readonly #gaps: Gap[] = [];

  constructor(book: Book) {
    this.#book = book;
  }

  /** A stream that begins with the handshake, as the HTTP side writes it. */
  async attach(
    connection: ClientConnection,
    isHeld: boolean,
    from: number | undefined,
    isPosting = false,
  ): Promise<void> {
    const sink = new Stream(this.#book);
    if (isHeld) sink.hold();
    const { clientId } = connection;
    const encoder = new TextEncoder();
    const handshake = { event: "PB_CONNECT", data: { clientId }, id: clientId };
    sink.write(encoder.encode(formatSSEMessage(handshake)));
    this.open = { connection, sink, from, ignored: isPosting ? sink.text.length : 0 };
    await connection.attach(sink);
  }

  /** The stream breaks off; returns when what arrived before has been read. */
  cut({ lost, part }: Cut = { lost: 0, part: 0 }): void {
    const { open } = this;
    if (open === undefined) return;
    open.connection.close("client");
    open.sink.release();
    const { frames } = open.sink;
    const whole = frames.slice(0, frames.length - Math.min(lost, frames.length));
    const next = frames[whole.length] ?? new Uint8Array();
    this.#read(open, joined([...whole, next.subarray(0, Math.round(next.length * part))]));
    this.open = undefined;
  }

  /** It comes back with nothing to say where it was: what it missed, it can't know. */
  loseTrack(): void {
    this.#gaps.push({ from: 0, to: this.#book.now });
  }

  /** Everything, once for each key, in the log's order, but for what it was told. */
  expectAll(): void {
    let before = 0;
    for (const { number } of this.#got) {
      expect(number, "messages arrive in the log's order").toBeGreaterThanOrEqual(before);
      before = number;
    }
    for (const [key, since] of this.keys) {
      const got = this.#got.filter((one) => one.key === key).map(({ number }) => number);
      expect(
        got.filter((number, index) => got.indexOf(number) !== index),
        "came twice",
      ).toEqual([]);
      expect(
        got.filter((number) => !this.#book.isFor(number, key)),
        "not for it",
      ).toEqual([]);
      const missing = [];
      for (let number = since + 1; number <= this.#book.now; number++) {
        if (!this.#book.isFor(number, key) || got.includes(number)) continue;
        if (!this.#gaps.some(({ from, to }) => from < number && number <= to)) missing.push(number);
      }
      expect(missing, `missing under ${key}`).toEqual([]);
    }
  }

  #read({ connection, sink, from, ignored }: Open, bytes: Uint8Array): void {
    const text = new TextDecoder().decode(bytes, { stream: true });
    this.#remember(lastEventIdOf(text.slice(ignored)));
    expect(emptyBlocksIn(text), "blocks without data").toEqual([]);
    const arrivals = arrivalsOf(sink, bytes);
    let place = from ?? Number.NEGATIVE_INFINITY;
    let told = 0;
    for (const { event, now, oldest } of arrivals) {
      const { event: key = "", data } = event;
      if (key === "PB_RESUME") {
        const { recovered } = JSON.parse(data) as { recovered: boolean };
        told += 1;
        if (recovered) continue;
        // Said of nothing that is there.
        expect(place, `${connection.clientId} was told that it missed something`).toBeLessThan(
          oldest,
        );
        this.#gaps.push({ from: this.#reached, to: now });
      } else if (this.keys.has(key)) {
        const number = numberOf(data);
        this.#got.push({ key, number, isPart: event.id?.includes("~") ?? false });
        place = Math.max(place, number - 1);
      }
    }
    if (from === undefined && this.#got.length > 0 && told === 0) {
      const isMessage = ({ event }: Arrival) => this.keys.has(event.event ?? "");
      expect(arrivals.filter(isMessage), "before it is told that its place is gone").toEqual([]);
    }
  }

  /** The newest message that it has under all its keys. */
  get #reached(): number {
    const { number = 0, isPart = false } = this.#got.at(-1) ?? {};
    return isPart ? number - 1 : number;
  }

  #remember(id: string | undefined): void {
    if (id === undefined) return;
    this.lastEventId = id;
    this.life = this.#book.life;
  }

  /** The place its last id names, if the log has it. */
  place(shard?: number): number | undefined {
    const cursor = parseCursor(this.lastEventId ?? "");
    if (cursor === undefined || this.life !== this.#book.life) return undefined;
    if (shard !== undefined && cursor.shard !== shard) return undefined;
    const number = this.#book.numberAt(cursor.sequence);
    return number === this.#book.now || number >= this.#book.oldest ? number : undefined;
  }
}

function arrivalsOf({ frames, times }: Stream, bytes: Uint8Array): Arrival[] {
  const arrivals: Arrival[] = [];
  const decoder = new TextDecoder();
  let time = { now: 0, oldest: 0 };
  const parser = createParser({
    onEvent: (event) => arrivals.push({ event, ...time }),
    onError: (error) => expect.fail(error.message),
  });
  let left = bytes.length;
  for (const [index, frame] of frames.entries()) {
    time = times[index] ?? time;
    parser.feed(decoder.decode(frame.subarray(0, Math.max(left, 0)), { stream: true }));
    left -= frame.length;
  }
  return arrivals;
}

function joined(frames: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(frames.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const frame of frames) {
    bytes.set(frame, at);
    at += frame.length;
  }
  return bytes;
}
