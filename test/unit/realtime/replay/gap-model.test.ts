import { describe, expect, it } from "vitest";
import { parseCursor } from "../../../../src/realtime/cursor.ts";
import { gapListenerOf, RealtimeManager } from "../../../../src/realtime/manager.ts";
import { eventually } from "../../../support/deadline.ts";
import { type ForkedMessage, ForkingLog } from "../../../support/forking-log.ts";
import { type Random, seededRandom } from "../../../support/random.ts";
import { RecordingSink } from "../../../support/recording-sink.ts";

const TOPICS = ["a", "b", "c"];
const KEYS = [...TOPICS, "*"];
const RUNS = 20;
const STEPS = 150;

/** What a client has of one key: all messages after a sequence, up to the message `last`. */
interface Progress {
  readonly after: number;
  readonly last: ForkedMessage | undefined;
  /** Set if the key may instead have lost the messages up to this sequence, as PB_RESUME said. */
  readonly orAfter?: number;
}

/**
 * A client that checks each message as it arrives. Between two PB_RESUME with `recovered: false`, the messages of a key are without a
 * hole in one branch of the log: every earlier message of the branch is the one that the client had before, or does not match.
 */
class CheckingClient {
  readonly faults: string[] = [];
  readonly progress = new Map<string, Progress>();
  sink = new RecordingSink();
  id: string;
  lastEventId: string | undefined;
  recovered = 0;
  unrecovered = 0;
  readonly #log: ForkingLog;
  #checked = 0;

  constructor(id: string, log: ForkingLog) {
    this.id = id;
    this.#log = log;
  }

  get keys(): string[] {
    return [...this.progress.keys()];
  }

  /** Sets the keys. New keys begin after the newest message. */
  setKeys(keys: readonly string[]): void {
    this.check();
    for (const key of this.keys) if (!keys.includes(key)) this.progress.delete(key);
    const start = { after: this.#log.end, last: undefined };
    for (const key of keys) if (!this.progress.has(key)) this.progress.set(key, start);
  }

  /** Begins another stream. What the client has stays the same. */
  reconnect(id: string): void {
    this.check();
    this.id = id;
    this.sink = new RecordingSink();
    this.#checked = 0;
  }

  check(): void {
    for (const event of this.sink.events.slice(this.#checked)) {
      this.#checked += 1;
      this.lastEventId = event.id;
      const data = JSON.parse(event.data);
      if (event.event !== "PB_RESUME") this.#onMessage(event.event ?? "", data);
      else if (data.recovered) this.recovered += 1;
      else this.#onUnrecovered(event.id ?? "");
    }
  }

  /** The keys of which the client lacks the newest messages. */
  behind(): string[] {
    const { newest } = this.#log;
    return this.keys.filter((key) => this.#missing(newest, key) !== undefined);
  }

  #onMessage(key: string, index: number): void {
    const message = this.#log.all[index];
    const hole = this.#missing(message?.parent, key);
    if (hole !== undefined) this.faults.push(`${this.id} ${key}: ${index} without ${hole}`);
    if (this.progress.has(key)) this.progress.set(key, { after: 0, last: message });
    else this.faults.push(`${this.id} ${key}: ${index} without a subscription`);
  }

  #onUnrecovered(id: string): void {
    this.unrecovered += 1;
    const after = parseCursor(id)?.sequence;
    for (const [key, progress] of this.progress) {
      // Without a cursor, some keys continue and the others begin after the newest message.
      const unclear = { ...progress, orAfter: this.#log.end };
      this.progress.set(key, after === undefined ? unclear : { after, last: undefined });
    }
  }

  /** The newest message up to `newest` that the client should have and lacks. */
  #missing(newest: ForkedMessage | undefined, key: string): string | undefined {
    const progress = this.progress.get(key);
    const missing = this.#holeBefore(newest, key, progress);
    const { orAfter } = progress ?? {};
    if (missing === undefined || orAfter === undefined) return missing;
    return this.#holeBefore(newest, key, { after: orAfter, last: undefined });
  }

  /** As `#missing`, for one progress. For a repeated message, the branch before the message lacks `last`. */
  #holeBefore(
    newest: ForkedMessage | undefined,
    key: string,
    progress: Progress | undefined,
  ): string | undefined {
    const { after, last } = progress ?? { after: 0, last: undefined };
    for (let one = newest; one !== last && (one?.sequence ?? 0) > after; one = one?.parent) {
      if (one !== undefined && (key === "*" || one.topic === key)) return one.entry.cursor;
    }
    const isInBranch = last === undefined || (newest?.sequence ?? 0) >= last.sequence;
    return isInBranch ? undefined : "the branch of the message before";
  }
}

class Run {
  readonly log = new ForkingLog();
  readonly manager = new RealtimeManager({}, 3);
  readonly clients: CheckingClient[] = [];
  readonly #random: Random;
  #ids = 0;

  constructor(seed: number, steps: { readonly async: boolean }) {
    this.#random = seededRandom(seed);
    this.log.isAsync = () => steps.async && this.#random.chance(0.5);
    // Replays need several pages, so that gaps come in the middle of replays.
    this.log.maxPage = 2;
    this.manager.follow(this.log, gapListenerOf(this.manager, this.log));
    for (let index = 0; index < 4; index++) {
      const client = new CheckingClient("", this.log);
      this.clients.push(client);
      client.setKeys(this.#keys());
      this.#connect(client);
    }
  }

  async step(): Promise<void> {
    const random = this.#random;
    const client = random.pick(this.clients);
    const topics = Array.from({ length: random.between(1, 4) }, () => random.pick(TOPICS));
    const choice = random.between(0, 99);
    if (choice < 45) this.log.append(...topics);
    else if (choice < 52)
      this.log.fork(random.between(Math.max(this.log.end - 6, 0), this.log.end));
    else if (choice < 55) this.log.jump(...topics);
    else if (choice < 58) this.log.trim(random.between(0, this.log.end));
    else if (choice < 68) client.sink.hold();
    else if (choice < 76) client.sink.takeOnce();
    else if (choice < 80) client.sink.release();
    else if (choice < 87) this.#resubscribe(client);
    else if (choice < 93) this.#connect(client);
    else await new Promise((resolve) => setTimeout(resolve));
    for (const one of this.clients) one.check();
  }

  /** Waits until every client has every message. */
  async finish(): Promise<void> {
    for (const { sink } of this.clients) sink.release();
    this.log.append(...TOPICS);
    const isComplete = () => {
      for (const client of this.clients) client.check();
      return this.clients.every((client) => client.behind().length === 0);
    };
    await eventually(isComplete, "every client has every message");
  }

  #keys(): string[] {
    return this.#random.sample(KEYS, this.#random.between(1, 3));
  }

  #resubscribe(client: CheckingClient): void {
    const keys = this.#keys();
    // The call first writes what unfinished deliveries have for the earlier keys.
    this.manager.resumeCursorOf(client.id);
    client.setKeys(keys);
    this.manager.setSubscriptions(client.id, { subscriptions: keys });
  }

  #connect(client: CheckingClient): void {
    this.manager.removeClient(client.id);
    const keys = client.keys;
    this.#ids += 1;
    client.reconnect(`${this.#ids}`);
    const { lastEventId } = client;
    // Without an event id the client can't resume, so it begins anew.
    if (lastEventId === undefined) client.progress.clear();
    client.setKeys(keys);
    this.manager.registerClient(client.id, client.sink);
    this.manager.setSubscriptions(client.id, { subscriptions: keys, lastEventId });
  }
}

describe("random gaps, replays, resubscriptions and reconnections", () => {
  for (const isAsync of [false, true]) {
    it(`lose and repeat no message in silence, ${isAsync ? "with" : "without"} asynchronous reads`, async () => {
      let [recovered, unrecovered] = [0, 0];
      for (let seed = 1; seed <= RUNS; seed++) {
        const run = new Run(seed, { async: isAsync });
        for (let step = 0; step < STEPS; step++) await run.step();
        await run.finish();
        const faults = run.clients.flatMap((client) => client.faults);
        expect(faults, `seed ${seed}`).toEqual([]);
        for (const client of run.clients) {
          recovered += client.recovered;
          unrecovered += client.unrecovered;
        }
      }
      expect(recovered).toBeGreaterThan(RUNS);
      expect(unrecovered).toBeGreaterThan(RUNS);
    });
  }
});
