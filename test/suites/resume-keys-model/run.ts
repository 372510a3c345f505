import { expect } from "vitest";
import { createMemoryLog } from "../../../src/log/memory.ts";
import { hibernationOf, RealtimeManager } from "../../../src/realtime/manager.ts";
import { formatSSEMessage } from "../../../src/realtime/sse.ts";
import { Book } from "../resume-model/book.ts";
import { KeysClient, SlowSink } from "./client.ts";
import { type Draft, FIRST_KEYS, type Step } from "./steps.ts";

/** Takes after which a client that is not live yet never will be: a replay is a few dozen pages at most. */
const MOST_TAKES = 200;

/** One client at a time of a manager that follows a log, and what it is to have. */
export class KeysRun {
  readonly #manager: RealtimeManager;
  readonly #log: ReturnType<typeof createMemoryLog>;
  readonly #book = new Book();
  readonly #client: KeysClient;
  #sink = new SlowSink();
  #streams = 0;

  /**
   * @param messages How many the log keeps.
   * @param sliceCost What a delivery may spend before others get their turn.
   */
  constructor(messages: number | undefined, sliceCost?: number) {
    this.#manager = new RealtimeManager({}, sliceCost);
    this.#log = createMemoryLog({ history: messages === undefined ? {} : { messages } });
    this.#manager.follow(this.#log);
    // What was before: keys with `last` find something, and the first place is not the log's first.
    for (const topic of ["r/1", "q", "r/2"]) this.#publish({ topic, size: 0 });
    this.#client = new KeysClient(this.#book, this.#log.cursor());
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

  /** The client takes all there is, is live then, and has everything. */
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

  /** As the HTTP side does: a place, unless something waits that has ids of its own. */
  #ping(): void {
    const place = this.#manager.resumeCursorOf(this.#clientId);
    if (place !== undefined && this.#sink.bufferedBytes === 0) this.#sink.ping(place);
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
    this.#manager.registerClient(this.#clientId, this.#sink);
    if (isBusy)
      this.#sink.write(new TextEncoder().encode(formatSSEMessage({ event: "note", data: 1 })));
    const { keys, lastEventId } = this.#client;
    this.#manager.setSubscriptions(this.#clientId, { subscriptions: keys, lastEventId });
  }

  #toggle(key: string): void {
    // What came before is of the keys before.
    this.#client.read(this.#sink.read());
    const { keys } = this.#client;
    const isRemoved = keys.includes(key) && keys.length > 1;
    if (!isRemoved) this.#client.toggle(key);
    const subscriptions = isRemoved ? keys.filter((one) => one !== key) : this.#client.keys;
    this.#manager.setSubscriptions(this.#clientId, { subscriptions });
    if (!isRemoved) return;
    // What was on its way to a key that goes comes first.
    this.#client.read(this.#sink.read());
    this.#client.toggle(key);
  }
}

/** Others get their turn, and with them the replay that was waiting for its own. */
function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}
