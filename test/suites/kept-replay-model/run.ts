import { expect } from "vitest";
import type { MessageLog } from "../../../src/log/log.ts";
import { createMemoryLog } from "../../../src/log/memory.ts";
import { parseCursor, sequenceOf } from "../../../src/realtime/cursor.ts";
import { hibernationOf, RealtimeManager } from "../../../src/realtime/manager.ts";
import { formatSSEMessage } from "../../../src/realtime/sse.ts";
import { parseSubscription } from "../../../src/realtime/subscriptions/subscription-key.ts";
import type { LogPage } from "../../../src/realtime/types.ts";
import { Book } from "../resume-model/book.ts";
import { KeptClient, type Moment } from "./client.ts";
import type { Draft, Step } from "./steps.ts";
import { Stream } from "./stream.ts";

const RULES = [
  { match: "kept/*", keep: 6 },
  { match: "one", keep: 1 },
];

/** More takes than any replay needs. */
const MOST_TAKES = 300;

/** More reads than any replay of a quiet log needs. */
const MOST_READS = 500;

/** A manager that follows a log with topic rules, with one client, and the expected messages. */
export class KeptReplayRun {
  readonly #log: MessageLog;
  readonly #book = new Book();
  readonly #client: KeptClient;
  #manager: RealtimeManager;
  #stream: Stream;
  #detach = () => {};
  #streams = 0;
  readonly #erased = new Set<number>();
  #reads = 0;
  /** Whether the manager was replaced while a replay waited for the stream. */
  #isPaused = false;

  constructor(messages: number, firstKeys: readonly string[]) {
    this.#log = this.#counted(
      createMemoryLog({ history: { messages, bytes: 1e9 }, topics: RULES }),
    );
    this.#manager = this.#follow();
    for (const topic of ["kept/1", "kept/2", "one", "flood", "kept/1", "flood", "kept/2"]) {
      this.#publish({ topic, size: 0 });
    }
    this.#client = new KeptClient(this.#book, this.#moment());
    this.#stream = new Stream(() => this.#moment());
    for (const key of firstKeys) this.#addKey(key, 0);
    this.#open({ isResume: false, last: 0, isBusy: true });
  }

  async take(step: Step): Promise<void> {
    if (step.do === "publish") for (const draft of step.drafts) this.#publish(draft);
    else if (step.do === "take") {
      this.#take();
      if (step.isTurn) await turn();
    } else if (step.do === "erase") this.#erase(step.topic);
    else if (step.do === "hibernate") this.#hibernate();
    else if (step.do === "toggle") this.#toggle(step.key);
    else {
      this.#read();
      this.#manager.removeClient(this.#clientId);
      this.#open(step);
    }
  }

  /** The client reads everything, and is then live and complete. */
  async compare(): Promise<void> {
    this.#reads = 0;
    for (let takes = 0; takes < MOST_TAKES && this.#progress !== undefined; takes++) {
      this.#take();
      await turn();
    }
    await this.#manager.settled();
    expect(this.#progress, "the client is live").toBeUndefined();
    expect(this.#reads).toBeLessThan(MOST_READS);
    this.#read();
    this.#client.expectAll(this.#moment());
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

  #follow(): RealtimeManager {
    const manager = new RealtimeManager();
    manager.follow(this.#log);
    return manager;
  }

  #counted(log: MessageLog): MessageLog {
    const counted = Object.create(log) as MessageLog;
    const count = <T>(page: T): T => {
      this.#reads += 1;
      return page;
    };
    return Object.assign(counted, {
      keepsHistory: log.keepsHistory,
      append: log.append.bind(log),
      tail: log.tail.bind(log),
      cursor: log.cursor.bind(log),
      hasReached: log.hasReached.bind(log),
      stats: log.stats.bind(log),
      erase: log.erase.bind(log),
      close: log.close.bind(log),
      read: (...all: Parameters<MessageLog["read"]>) => count(log.read(...all)),
      readBack: (...all: Parameters<MessageLog["readBack"]>) => count(log.readBack(...all)),
    });
  }

  #moment(): Moment {
    // The cast: the log in memory answers at once.
    const page = this.#log.read(undefined, 1e6) as LogPage;
    this.#reads -= 1;
    const readable = new Set(page.entries.map(({ cursor }) => sequenceOf(cursor)));
    const { trimmedTo } = page;
    return { now: this.#book.now, readable, trimmedTo, erased: new Set(this.#erased) };
  }

  #publish({ topic, size }: Draft): void {
    const message = this.#book.take({ id: undefined, topics: { topic }, private: false, size });
    void this.#log.append([message]);
  }

  #erase(topic: string): void {
    void this.#log.erase(topic);
    for (let number = 1; number <= this.#book.now; number++) {
      if (this.#book.isFor(number, topic)) this.#erased.add(number);
    }
  }

  #read(): void {
    for (const { text, moment } of this.#stream.frames.splice(0)) this.#client.read(text, moment);
  }

  #take(): void {
    this.#read();
    this.#stream.take();
    if (!this.#isPaused) return;
    this.#isPaused = false;
    hibernationOf(this.#manager).resumeReplay(this.#clientId);
  }

  #addKey(key: string, last: number): void {
    const moment = this.#moment();
    const replayStart = this.#client.begin.now;
    this.#client.add(key, parseSubscription(key).options.last ?? last, moment, replayStart);
  }

  #open({
    isResume,
    last,
    isBusy,
  }: Pick<Step & { do: "reconnect" }, "isResume" | "last" | "isBusy">) {
    this.#streams += 1;
    this.#isPaused = false;
    this.#stream = new Stream(() => this.#moment());
    const { sink, detach } = this.#stream.createSink();
    this.#detach = detach;
    this.#manager.registerClient(this.#clientId, sink);
    if (isBusy)
      sink.write(new TextEncoder().encode(formatSSEMessage({ event: "PB_CURSOR", data: 1 })));
    const moment = this.#moment();
    this.#client.begin = moment;
    this.#client.restart();
    const { keys, lastEventId } = this.#client;
    if (isResume && lastEventId !== undefined) {
      this.#client.resume(parseCursor(lastEventId), moment);
      this.#manager.setSubscriptions(this.#clientId, { subscriptions: keys, lastEventId });
      return;
    }
    for (const key of keys) this.#addKey(key, last);
    this.#manager.setSubscriptions(this.#clientId, { subscriptions: keys, last });
  }

  #toggle(key: string): void {
    this.#read();
    const isRemoved = this.#client.keys.includes(key);
    if (isRemoved && this.#client.keys.length === 1) return;
    if (this.#progress === undefined) this.#client.begin = this.#moment();
    if (isRemoved) this.#client.remove(key);
    else this.#addKey(key, 0);
    this.#manager.setSubscriptions(this.#clientId, { subscriptions: this.#client.keys });
  }

  /** Replaces the manager, as when a hub is evicted while its sockets stay open. */
  #hibernate(): void {
    const before = hibernationOf(this.#manager);
    const snapshot = before.snapshotOf(this.#clientId);
    const progress = before.replayProgressOf(this.#clientId);
    if (snapshot === undefined) throw new Error("The client is gone.");
    this.#detach();
    this.#manager.removeClient(this.#clientId);
    this.#manager = this.#follow();
    const { sink, detach } = this.#stream.createSink();
    this.#detach = detach;
    // Stored as JSON.
    const stored = progress === undefined ? undefined : JSON.parse(JSON.stringify(progress));
    const { keys } = this.#client;
    hibernationOf(this.#manager).restoreClient(snapshot, keys, sink, stored);
    this.#isPaused = progress !== undefined;
  }
}

/** Yields to the event loop, so that a waiting replay continues. */
function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}
