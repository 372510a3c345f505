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

/** The bytes of one stream of a client. */
class Stream extends RecordingSink {
  readonly #book: Book;
  /** For each frame, the newest message and the oldest kept one at the time of the write. */
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
  /** The start position. Undefined when the log does not have it, so that the client must get `recovered: false`. */
  readonly from: number | undefined;
  /** Bytes at the start of the stream with ids that the client ignores, because it posts its own id. */
  readonly ignored: number;
}

/** Messages that a client may have missed according to `recovered: false`: after `from`, up to `to`. */
interface Gap {
  readonly from: number;
  readonly to: number;
}

/** An event as the client got it, with the times of the write that completed it. */
interface Arrival {
  readonly event: EventSourceMessage;
  readonly now: number;
  readonly oldest: number;
}

/** A client's view of all its streams: the messages that arrived, and the last id. */
export class ModelClient {
  /** Keys, with the newest message when each key was first subscribed. */
  readonly keys = new Map<string, number>();
  lastEventId: string | undefined;
  /** The epoch of `lastEventId`. */
  epoch = 0;
  open: Open | undefined;
  readonly #book: Book;
  readonly #got: { readonly key: string; readonly number: number; readonly isPart: boolean }[] = [];
  readonly #gaps: Gap[] = [];

  /** `StreamOptions.envelope` of all its streams. */
  readonly envelope: boolean;

  constructor(book: Book, envelope: boolean) {
    this.#book = book;
    this.envelope = envelope;
  }

  /** Attaches a stream that starts with the handshake, as the HTTP side writes it. */
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

  /** Breaks the stream off, and reads what arrived before. */
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

  /** Reconnects without an id, so that missed messages can't be detected. */
  loseTrack(): void {
    this.#gaps.push({ from: 0, to: this.#book.now });
  }

  /** Expects every message once for each key, in the log's order, except messages that were reported as unrecovered. */
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
        "not for this key",
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
    let position = from ?? Number.NEGATIVE_INFINITY;
    let resumes = 0;
    for (const { event, now, oldest } of arrivals) {
      const { event: key = "", data } = event;
      if (key === "PB_RESUME") {
        const { recovered } = JSON.parse(data) as { recovered: boolean };
        resumes += 1;
        if (recovered) continue;
        // `recovered: false` is an error when the log still has the position.
        expect(
          position,
          `${connection.clientId} received an unjustified recovered: false`,
        ).toBeLessThan(oldest);
        this.#gaps.push({ from: this.#reached, to: now });
      } else if (this.keys.has(key)) {
        const number = numberOf(data, this.envelope);
        this.#got.push({ key, number, isPart: event.id?.includes("~") ?? false });
        position = Math.max(position, number - 1);
      }
    }
    if (from === undefined && this.#got.length > 0 && resumes === 0) {
      const isMessage = ({ event }: Arrival) => this.keys.has(event.event ?? "");
      expect(
        arrivals.filter(isMessage),
        "messages arrive without a PB_RESUME for the lost position",
      ).toEqual([]);
    }
  }

  /** The newest message that the client has under all its keys. */
  get #reached(): number {
    const { number = 0, isPart = false } = this.#got.at(-1) ?? {};
    return isPart ? number - 1 : number;
  }

  #remember(id: string | undefined): void {
    if (id === undefined) return;
    this.lastEventId = id;
    this.epoch = this.#book.epoch;
  }

  /** The position of the client's last id, if the log has it. */
  position(shard?: number): number | undefined {
    const cursor = parseCursor(this.lastEventId ?? "");
    if (cursor === undefined || this.epoch !== this.#book.epoch) return undefined;
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
