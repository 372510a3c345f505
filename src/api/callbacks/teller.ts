import { nanoid } from "nanoid";
import { FifoQueue } from "../../log/fifo-queue.ts";
import type { CloseReason, Logger } from "../../realtime/types.ts";
import type { Milliseconds } from "../../realtime/units.ts";
import { redactURL } from "../auth/redact-url.ts";
import type { TellCounts } from "./counts.ts";
import { CALLBACK_DEFAULTS, type CallbackOptions, type Tell } from "./options.ts";
import { describeFailure, postCallback } from "./post.ts";
import { type RecentCallback, remember } from "./recent.ts";

/** Something that a backend may be told. */
export interface CallbackEvent {
  readonly type: Tell;
  /** Of `occupied` and `vacated`. */
  readonly topic?: string | undefined;
  /** Of `connected` and `disconnected`. */
  readonly clientId?: string | undefined;
  /** Of `connected`. Undefined for a guest. */
  readonly identity?: string | undefined;
  /** Of `disconnected`. */
  readonly reason?: CloseReason | undefined;
}

/** What `Teller` needs besides the options. */
export interface TellerSettings {
  readonly logger: Logger;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** How long to wait before a batch is sent again. Default: `retryDelay`. */
  readonly retryDelay?: ((attempt: number) => Milliseconds) | undefined;
}

/** An event in the queue, with its number and its JSON. */
interface QueuedEvent {
  readonly number: number;
  readonly json: string;
}

/** Events that were sent, and perhaps must be sent again. */
interface Batch {
  /** `webhook-id`. */
  readonly id: string;
  readonly body: string;
  readonly first: number;
  readonly last: number;
}

const MAX_BATCH = 100;
const MAX_RETRY_DELAY: Milliseconds = 60_000;

/** 1 s, 2 s, 4 s and so on up to 60 s, each shortened by up to a half at random. */
export function retryDelay(attempt: number): Milliseconds {
  const delay = Math.min(1000 * 2 ** attempt, MAX_RETRY_DELAY);
  return delay * (1 - Math.random() / 2);
}

/**
 * Tells a backend of events, in batches and in order: there is one request at a time. A batch is sent until the backend answers with
 * 2xx. The queue is bounded: above `maxQueue`, the oldest events are dropped, because the newest ones tell the present state.
 */
export class Teller {
  /** The newest attempts to tell a batch, newest first. */
  readonly recent: RecentCallback[] = [];
  readonly #options: CallbackOptions;
  readonly #settings: TellerSettings;
  readonly #queue = new FifoQueue<QueuedEvent>();
  readonly #counts = { told: 0, retried: 0, dropped: 0 };
  #next = 0;
  #sending: Promise<void> | undefined;
  #isClosing = false;
  /** Ends the wait before the next attempt. */
  #wake = () => undefined as unknown;

  constructor(options: CallbackOptions, settings: TellerSettings) {
    this.#options = options;
    this.#settings = settings;
  }

  get counts(): TellCounts {
    return { ...this.#counts, waiting: this.#queue.length };
  }

  /** Queues an event if the backend is to be told of its type. */
  tell({ type, ...event }: CallbackEvent): void {
    if (this.#options.tell?.includes(type) !== true) return;
    const at = new Date(this.#settings.now()).toISOString();
    const json = JSON.stringify({ id: `evt_${nanoid()}`, type, ...event, at });
    this.#queue.push({ number: this.#next++, json });
    if (this.#queue.length > (this.#options.maxQueue ?? CALLBACK_DEFAULTS.maxQueue)) this.#drop();
    this.#sending ??= this.#send();
  }

  /** Sends the rest. A request in progress ends within `timeout`, and the rest have another `timeout` together. Later events are dropped. */
  async close(): Promise<void> {
    this.#isClosing = true;
    this.#wake();
    await this.#sending;
  }

  async #send(): Promise<void> {
    // Events of the same turn share a batch.
    await undefined;
    let deadline: AbortSignal | undefined;
    let batch: Batch | undefined;
    for (let attempt = 0; this.#queue.length > 0; attempt += 1) {
      // After an overflow, the first events of the batch are no longer in the queue.
      if (batch === undefined || batch.first !== this.#queue.first?.number) {
        batch = this.#nextBatch();
      }
      if (this.#isClosing) deadline ??= AbortSignal.timeout(this.#timeout);
      const signal = deadline ?? AbortSignal.timeout(this.#timeout);
      if (await this.#attempt(batch, signal, attempt + 1)) {
        while ((this.#queue.first?.number ?? Number.POSITIVE_INFINITY) <= batch.last) {
          this.#queue.shift();
          this.#counts.told += 1;
        }
        batch = undefined;
        attempt = -1;
      } else if (deadline !== undefined) {
        while (this.#queue.length > 0) this.#drop();
      } else {
        this.#counts.retried += 1;
        if (!this.#isClosing) await this.#sleep(attempt);
      }
    }
    this.#sending = undefined;
  }

  get #timeout(): Milliseconds {
    return this.#options.timeout ?? CALLBACK_DEFAULTS.timeout;
  }

  #nextBatch(): Batch {
    const events: string[] = [];
    const first = this.#queue.first?.number ?? 0;
    for (let event = this.#queue.first; event !== undefined && events.length < MAX_BATCH; ) {
      events.push(event.json);
      event = this.#queue.at(events.length);
    }
    const last = first + events.length - 1;
    return { id: `msg_${nanoid()}`, body: `{"events":[${events.join()}]}`, first, last };
  }

  async #attempt(batch: Batch, signal: AbortSignal, attempt: number): Promise<boolean> {
    const start = performance.now();
    const isDelivered = await this.#post(batch, signal);
    remember(this.recent, {
      at: new Date(this.#settings.now()).toISOString(),
      type: "tell",
      count: batch.last - batch.first + 1,
      outcome: isDelivered ? "delivered" : "failed",
      milliseconds: Math.round(performance.now() - start),
      attempt,
    });
    return isDelivered;
  }

  async #post({ id, body }: Batch, signal: AbortSignal): Promise<boolean> {
    const { url } = this.#options;
    try {
      const response = await postCallback(this.#options, id, body, signal);
      await response.body?.cancel();
      if (response.ok) return true;
      throw new Error(`${redactURL(url)} answered ${response.status}`);
    } catch (error) {
      const fields = { error: describeFailure(error, url), waiting: this.#queue.length };
      this.#settings.logger.warn("events for the backend can't be delivered", fields);
      return false;
    }
  }

  #drop(): void {
    this.#queue.shift();
    this.#counts.dropped += 1;
    // The logger writes one such line a minute, with the number of dropped events.
    this.#settings.logger.error("events for the backend are dropped");
  }

  #sleep(attempt: number): Promise<void> {
    const { retryDelay: delayOf = retryDelay } = this.#settings;
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, delayOf(attempt));
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
