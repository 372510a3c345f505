import { EventSource } from "eventsource";
import { createResumingEventSource } from "../../src/client/event-source.ts";
import type { MessageBook } from "../support/client-chaos/book.ts";
import type { Follower } from "../support/client-chaos/publishing.ts";
import { trackClient } from "../support/clients.ts";

const Resuming = createResumingEventSource(EventSource);
const KEYS = ["room/*", "lobby"];

/** A page with ResumingEventSource. It must receive every message once and in order, whatever happens to its connections. */
export class ResumingFollower implements Follower {
  readonly #name: string;
  readonly #book: MessageBook;
  readonly #source: EventSource;
  readonly #received = new Map<string, number[]>(KEYS.map((key) => [key, []]));
  readonly #from = new Map<string, number>();
  #connected = false;
  deliveries = 0;
  gaps = 0;

  constructor(url: string, index: number, book: MessageBook) {
    this.#name = `page ${index}`;
    this.#book = book;
    const query = KEYS.map((key) => `topic=${encodeURIComponent(key)}`).join("&");
    this.#source = new Resuming(`${url}/api/realtime?${query}`) as unknown as EventSource;
    trackClient(() => this.#source.close());
    this.#source.addEventListener("PB_CONNECT", () => {
      this.#connected = true;
    });
    this.#source.addEventListener("PB_RESUME", ({ data }) => {
      if (!JSON.parse(data).recovered) this.gaps += 1;
    });
    for (const [key, received] of this.#received) {
      this.#source.addEventListener(key, ({ data }) => {
        this.deliveries += 1;
        received.push(JSON.parse(data).n);
      });
    }
  }

  isConnected(): boolean {
    return this.#connected;
  }

  /** From here on, nothing may be missing. */
  begin(): void {
    for (const key of KEYS) this.#from.set(key, this.#book.count + 1);
  }

  hasCaughtUp(): boolean {
    return [...this.#received].every(
      ([key, received]) => (received.at(-1) ?? 0) === this.#book.newestFor(key),
    );
  }

  describe(): string {
    const list = [...this.#received].map(([key, received]) => `${key} has ${received.slice(-3)}`);
    return `${this.#name}: ${list.join("; ")}`;
  }

  /** Checks what has arrived, and forgets it. Only for a page that has caught up. */
  settle(): void {
    for (const [key, received] of this.#received) {
      const newest = this.#book.newestFor(key);
      this.#book.check(this.#name, key, received, this.#from.get(key), newest);
      this.#from.set(key, newest);
      received.splice(0, received.length - 1);
    }
  }

  close(): void {
    this.#source.close();
  }
}
