import type { AnswerSubscriber } from "../../src/ai.ts";
import type { Random } from "./random.ts";

interface Stored {
  readonly id: string;
  readonly json: string;
  readonly at: string;
  /** Number of the message in the log, from 1. */
  readonly cursor: number;
}

interface Publication {
  readonly topic: string;
  readonly data: unknown;
  readonly id?: string;
}

/** Faults of the service. */
export interface TopicFaults {
  /** Called for each publish. Returns an error, which is thrown before or after the message was stored. */
  failPublish?:
    | (() => { readonly error: Error; readonly isStored: boolean } | undefined)
    | undefined;
  /** Called for each read of the history. Returns an error to throw. */
  failHistory?: (() => Error | undefined) | undefined;
  /** Largest message, in characters of JSON. */
  maxSize?: number;
  /** Whether a subscriber misses a message. It is told of a gap afterwards. */
  loses?: () => boolean;
  /** Whether a subscriber receives a message twice. */
  repeats?: () => boolean;
}

/** An error as the client of `pocketwire/client` throws it. */
export function clientError(status: number): Error {
  return Object.assign(new Error(`Status ${status}.`), { status });
}

/** A service with one topic, in memory: it publishes once for each id, keeps a history, and delivers after random delays. */
export class TopicService {
  readonly faults: TopicFaults;
  readonly #random: Random;
  readonly log: Stored[] = [];
  /** The number of messages that were published so far. */
  published = 0;
  /** The number of reads of the history so far. */
  reads = 0;
  readonly #publishedIds = new Map<string, string>();
  readonly #wake = new Set<() => void>();
  readonly #listeners = { gap: new Set(), status: new Set(), error: new Set() } as Record<
    string,
    Set<(value: unknown) => void>
  >;

  constructor(random: Random, faults: TopicFaults = {}) {
    this.#random = random;
    this.faults = faults;
  }

  async publish({ data, id = crypto.randomUUID() }: Publication): Promise<unknown> {
    await this.#pause();
    const json = JSON.stringify(data);
    if (json.length > (this.faults.maxSize ?? Number.POSITIVE_INFINITY)) throw clientError(413);
    const fault = this.faults.failPublish?.();
    if (fault !== undefined && !fault.isStored) throw fault.error;
    const known = this.#publishedIds.get(id);
    if (known !== undefined && known !== json) throw clientError(409);
    if (known === undefined) {
      this.#publishedIds.set(id, json);
      this.published += 1;
      const at = new Date().toISOString();
      this.log.push({ id, json, at, cursor: this.published });
      for (const wake of [...this.#wake]) wake();
    }
    if (fault !== undefined) throw fault.error;
    return [id];
  }

  async history(
    _topic: string,
    { limit, before, after }: { limit: number; before?: string; after?: string },
  ) {
    await this.#pause();
    this.reads += 1;
    const error = this.faults.failHistory?.();
    if (error !== undefined) throw error;
    const oldest = this.log[0]?.cursor ?? this.published + 1;
    if (after !== undefined && Number(after) < oldest - 1) throw clientError(410);
    const matching = this.log.filter(
      ({ cursor }) =>
        cursor < Number(before ?? Number.POSITIVE_INFINITY) && cursor > Number(after ?? 0),
    );
    const page = after === undefined ? matching.slice(-limit) : matching.slice(0, limit);
    return {
      messages: page.map(({ json, at, cursor }) => ({
        ...{ data: JSON.parse(json) as unknown, at },
        cursor: String(cursor),
      })),
      cursor: String(after === undefined ? this.published : (page.at(-1)?.cursor ?? after)),
      more: page.length < matching.length,
    };
  }

  /** Removes the oldest messages from the history. */
  trim(count: number): void {
    this.log.splice(0, count);
  }

  /** Tells all clients something. */
  emit(name: "gap" | "status" | "error", value?: unknown): void {
    for (const listener of this.#listeners[name] ?? []) listener(value);
  }

  /** The data of all messages. */
  get data(): unknown[] {
    return this.log.map(({ json }) => JSON.parse(json));
  }

  /** A client of the service. */
  client(): AnswerSubscriber {
    return {
      history: (topic, options) => this.history(topic, options),
      on: (name, listener) => {
        const listeners = this.#listeners[name] as Set<unknown>;
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
      subscribe: (_topic, onMessage, { last }) => {
        let isOpen = true;
        void this.#deliver(onMessage, last, () => isOpen);
        return () => {
          isOpen = false;
        };
      },
    };
  }

  async #deliver(
    onMessage: (message: { readonly data: unknown }) => void,
    last: number,
    isOpen: () => boolean,
  ): Promise<void> {
    await this.#pause();
    let next = Math.max(this.published - last, 0) + 1;
    while (isOpen()) {
      const message = this.log.find(({ cursor }) => cursor >= next);
      if (message === undefined) {
        await new Promise<void>((resolve) => {
          this.#wake.add(resolve);
          setTimeout(resolve, 50);
        });
        continue;
      }
      next = message.cursor + 1;
      await this.#pause();
      if (!isOpen()) return;
      const data = JSON.parse(message.json);
      if (this.faults.loses?.()) {
        this.emit("gap");
        continue;
      }
      onMessage({ data });
      if (this.faults.repeats?.()) onMessage({ data: structuredClone(data) });
    }
  }

  async #pause(): Promise<void> {
    const time = this.#random.between(0, 4);
    if (time > 0) await new Promise((resolve) => setTimeout(resolve, time));
    else await Promise.resolve();
  }
}
