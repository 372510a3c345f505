import { expect } from "vitest";
import { createMemoryLog } from "../../../src/log/memory.ts";
import { hibernationOf, RealtimeManager } from "../../../src/realtime/manager.ts";
import { formatSSEMessage } from "../../../src/realtime/sse.ts";
import { Book } from "../resume-model/book.ts";
import { KeysClient, SlowSink } from "./client.ts";
import { type Draft, FIRST_KEYS, type Step } from "./steps.ts";

/** More takes than any replay needs: a replay has a few dozen pages at most. */
const MOST_TAKES = 200;

/** A manager that follows a log, with one client at a time, and the expected messages. */
export class KeysRun {
  readonly #manager: RealtimeManager;
  readonly #log: ReturnType<typeof createMemoryLog>;
  readonly #book = new Book();
  readonly #client: KeysClient;
  readonly #envelope: boolean;
  #sink = new SlowSink();
  #streams = 0;

  /**
   * @param messages The number of messages that the log keeps.
   * @param envelope Whether the client's streams have envelopes.
   * @param sliceCost The cost of a delivery's time slice.
   */
  constructor(messages: number | undefined, envelope: boolean, sliceCost?: number) {
    this.#envelope = envelope;
    this.#manager = new RealtimeManager({}, sliceCost);
    this.#log = createMemoryLog({ history: messages === undefined ? {} : { messages } });
    this.#manager.follow(this.#log);
    // Messages before the first stream: keys with `last` have newest messages, and the first cursor is not the log's first.
    for (const topic of ["r/1", "q", "r/2"]) this.#publish({ topic, size: 0 });
    this.#client = new KeysClient(this.#book, this.#log.cursor(), envelope);
    for (const key of FIRST_KEYS) this.#client.add(key);
    this.#open(false);
  }

  async take(step: Step): Promise<void> {
    if (step.do === "publish") {
      for (const draft of step.drafts) this.#publish(draft);
    } else if (step.do === "take") {
      this.#take();
      if (step.isTurn) await turn();
    } else if (step.do === "ping") {
      this.#ping();
    } else if (step.do === "send") {
      await this.#manager.sendEvent(this.#clientId, "note", 1);
    } else if (step.do === "cut") {
      this.#cut(step.lost, step.isBusy);
    } else {
      this.#toggle(step.key);
    }
  }

  /** The client reads everything, and is then live and complete. */
  async compare(): Promise<void> {
    for (let takes = 0; takes < MOST_TAKES && this.#progress !== undefined; takes++) {
      this.#take();
      await turn();
    }
    await this.#manager.settled();
    expect(this.#progress, "the client is live").toBeUndefined();
    this.#client.read(this.#sink.read());
    this.#client.expectAll();
  }

  close(): void {
    this.#manager.removeClient(this.#clientId);
  }

  get #clientId(): string {
    return `client-${this.#streams}`;
  }

  get #progress() {
    return hibernationOf(this.#manager).replayProgressOf(this.#clientId);
  }

  #publish({ topic, size }: Draft): void {
    const message = this.#book.take({ id: undefined, topics: { topic }, private: false, size });
    this.#log.append([message]);
  }

  #take(): void {
    this.#client.read(this.#sink.read());
    this.#sink.take();
  }

  /** Pings as the HTTP side does: with a cursor, unless frames with other ids are waiting. */
  #ping(): void {
    const cursor = this.#manager.resumeCursorOf(this.#clientId);
    if (cursor !== undefined && this.#sink.bufferedBytes === 0) this.#sink.ping(cursor);
  }

  #cut(lost: number, isBusy: boolean): void {
    const blocks = this.#sink.read();
    this.#client.read(blocks.slice(0, blocks.length - (lost % (blocks.length + 1))));
    this.#manager.removeClient(this.#clientId);
    this.#open(isBusy);
  }

  #open(isBusy: boolean): void {
    this.#streams += 1;
    this.#sink = new SlowSink();
    this.#manager.registerClient(this.#clientId, this.#sink, { envelope: this.#envelope });
    if (isBusy)
      this.#sink.write(new TextEncoder().encode(formatSSEMessage({ event: "note", data: 1 })));
    const { keys, lastEventId } = this.#client;
    this.#manager.setSubscriptions(this.#clientId, { subscriptions: keys, lastEventId });
  }

  #toggle(key: string): void {
    // Earlier events belong to the earlier keys.
    this.#client.read(this.#sink.read());
    const { keys } = this.#client;
    const isRemoved = keys.includes(key) && keys.length > 1;
    if (!isRemoved) this.#client.toggle(key);
    const subscriptions = isRemoved ? keys.filter((one) => one !== key) : this.#client.keys;
    this.#manager.setSubscriptions(this.#clientId, { subscriptions });
    if (!isRemoved) return;
    // Events of the removed key that were written before come first.
    this.#client.read(this.#sink.read());
    this.#client.toggle(key);
  }
}

/** Yields to the event loop, so that a waiting replay continues. */
function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}
