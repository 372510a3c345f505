import { type OpenedClient, openClient } from "../client-world.ts";
import type { Random } from "../random.ts";
import { inSeconds, tokenFor } from "../tokens.ts";
import { type MessageBook, numberOf } from "./book.ts";

/** Topics of the run. Messages of `secret/…` are private. */
export const TOPICS = ["room/1", "room/2", "room/3", "lobby", "secret/1", "secret/2"];

interface Subscription {
  readonly topic: string;
  readonly received: number[];
  readonly off: () => void;
  /** The first message that must arrive, once it is known. */
  from?: number;
}

/** Seconds that a token is valid: at least, and at most. */
const TOKEN_LIFE = [4, 10] as const;

/** One client of a run, with subscriptions that stay and subscriptions that change. */
export class ChaosMember {
  readonly client: OpenedClient;
  readonly #name: string;
  readonly #book: MessageBook;
  readonly #random: Random;
  readonly #staying: Subscription[] = [];
  readonly #changing: Subscription[] = [];
  readonly #hasToken: boolean;
  readonly #tokenLife: readonly [least: number, most: number];
  readonly counts = { deliveries: 0, subscriptions: 0, tokens: 0 };

  constructor(
    url: string,
    index: number,
    book: MessageBook,
    random: Random,
    tokenLife: readonly [least: number, most: number] = TOKEN_LIFE,
  ) {
    this.#tokenLife = tokenLife;
    this.#name = `client ${index}`;
    this.#book = book;
    this.#random = random;
    this.#hasToken = index % 2 === 0;
    this.client = openClient(url, { token: () => this.#createToken(index) });
    const own = this.#hasToken ? ["secret/*", "room/*"] : ["room/*", "lobby"];
    for (const topic of own) this.#staying.push(this.#subscribe(topic));
  }

  /** From here on, the subscriptions that stay must miss nothing. */
  begin(): void {
    for (const subscription of this.#staying) subscription.from = this.#book.count + 1;
  }

  /** Adds or removes a subscription, or changes the token. */
  change(): void {
    const random = this.#random;
    if (random.chance(0.05)) this.client.realtime.refreshToken();
    if (random.chance(0.5) || this.#changing.length > 6) this.#drop();
    else {
      const topics = this.#hasToken ? [...TOPICS, "*"] : ["room/1", "room/2", "room/*", "lobby"];
      const options = random.chance(0.5) ? { last: random.between(1, 30) } : {};
      this.#changing.push(this.#subscribe(random.pick(topics), options));
    }
  }

  hasCaughtUp(): boolean {
    return [...this.#staying, ...this.#changing].every(
      ({ topic, received }) => received.at(-1) === this.#book.newestFor(topic),
    );
  }

  /** Why messages may be missing. */
  describe(): string {
    const { realtime, errors } = this.client;
    const late = [...this.#staying, ...this.#changing].filter(
      ({ topic, received }) => received.at(-1) !== this.#book.newestFor(topic),
    );
    const list = late.map(({ topic, received }) => `${topic} has ${received.slice(-3)}`);
    return `${this.#name}, ${realtime.status}: ${list.join("; ")}. ${errors.slice(-2).map(String)}`;
  }

  check(): void {
    for (const { topic, received, from } of [...this.#staying, ...this.#changing]) {
      // Whatever a subscription began with, it must have the newest message.
      const newest = this.#book.newestFor(topic);
      this.#book.check(this.#name, topic, received, from ?? newest, newest);
    }
  }

  /** Checks what has arrived, and forgets it. Only for a member that has caught up. */
  settle(): void {
    this.check();
    for (const subscription of [...this.#staying, ...this.#changing]) {
      subscription.from = this.#book.newestFor(subscription.topic);
      subscription.received.splice(0, subscription.received.length - 1);
    }
  }

  close(): void {
    this.client.realtime.close();
  }

  #drop(): void {
    const index = this.#random.between(0, this.#changing.length - 1);
    const [subscription] = this.#changing.splice(index, 1);
    if (subscription === undefined) return;
    subscription.off();
    this.#book.check(this.#name, subscription.topic, subscription.received);
  }

  #subscribe(topic: string, options = {}): Subscription {
    const received: number[] = [];
    this.counts.subscriptions += 1;
    const off = this.client.realtime.subscribe(
      topic,
      (message) => {
        this.counts.deliveries += 1;
        received.push(numberOf(message));
      },
      options,
    );
    return { topic, received, off };
  }

  async #createToken(index: number): Promise<string | undefined> {
    if (!this.#hasToken) return undefined;
    this.counts.tokens += 1;
    const life = this.#random.between(...this.#tokenLife);
    return tokenFor(`user-${index}`, { subscribe: ["secret/*"] }, { exp: inSeconds(life) });
  }
}
