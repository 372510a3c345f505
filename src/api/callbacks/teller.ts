import { FifoQueue } from "../../log/fifo-queue.ts";
import type { Logger } from "../../realtime/types.ts";
import type { Milliseconds } from "../../realtime/units.ts";
import {
  type CallbackEvent,
  type EventRequest,
  MAX_BATCH,
  retryDelay,
  toEventJSON,
  toEventRequest,
} from "../../registry/tells.ts";
import type { TellCounts } from "./counts.ts";
import { CALLBACK_DEFAULTS, type CallbackOptions } from "./options.ts";
import { logDroppedEvent, postEvents } from "./post-events.ts";
import { type RecentCallback, remember } from "./recent.ts";

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
interface Batch extends EventRequest {
  readonly first: number;
  readonly last: number;
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
  tell(event: CallbackEvent): void {
    if (this.#options.tell?.includes(event.type) !== true) return;
    const json = toEventJSON(event, this.#settings.now());
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
    return { ...toEventRequest(events), first, last };
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

  #post(batch: Batch, signal: AbortSignal): Promise<boolean> {
    const { logger } = this.#settings;
    return postEvents(this.#options, batch, { signal, logger, waiting: this.#queue.length });
  }

  #drop(): void {
    this.#queue.shift();
    this.#counts.dropped += 1;
    logDroppedEvent(this.#settings.logger);
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
