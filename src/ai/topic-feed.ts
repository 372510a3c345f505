/** What the transport needs of the client (`connect` of `pocketwire/client`). */
export interface AnswerSubscriber {
  subscribe(
    topic: string,
    onMessage: (message: { readonly data: unknown }) => void,
    options: { readonly last: number },
  ): () => void;
  on(name: "gap", listener: () => void): () => void;
  on(name: "status", listener: (status: string) => void): () => void;
  on(name: "error", listener: (error: Error & { readonly topic?: string }) => void): () => void;
  history(topic: string, options: HistoryPosition): Promise<HistoryOfTopic>;
}

interface HistoryPosition {
  readonly limit: number;
  readonly before?: string;
}

interface HistoryOfTopic {
  readonly messages: readonly (TopicMessage & { readonly cursor: string })[];
  readonly more: boolean;
}

/** A message of the history. */
export interface TopicMessage {
  readonly data: unknown;
  /** When the service accepted the message, in ISO 8601. */
  readonly at: string;
}

/** What a feed tells its listeners. */
export interface FeedListener {
  /** A message, in the order of the log. A message may be missing or come twice. */
  onData(data: unknown): void;
  /** Messages may be missing. */
  onGap(): void;
  /** No more messages follow. */
  onEnd(error: Error): void;
}

/** Size of the first page that is read back, and of the others. */
const FIRST_PAGE = 100;
const PAGE = 1000;

const ATTEMPTS = 5;
const FIRST_DELAY = 250;

/** The messages of one topic. The feed is subscribed while it has listeners. */
export class TopicFeed {
  readonly #realtime: AnswerSubscriber;
  readonly #topic: string;
  readonly #listeners = new Set<FeedListener>();
  #unsubscribe: (() => void)[] = [];

  constructor(realtime: AnswerSubscriber, topic: string) {
    this.#realtime = realtime;
    this.#topic = topic;
  }

  /** Whether no listener is left. */
  get isIdle(): boolean {
    return this.#listeners.size === 0;
  }

  /** Adds a listener. @returns a function that removes the listener. */
  add(listener: FeedListener): () => void {
    this.#listeners.add(listener);
    if (this.#unsubscribe.length === 0) this.#subscribe();
    return () => {
      this.#listeners.delete(listener);
      if (this.isIdle) this.#end();
    };
  }

  /**
   * Reads the history backwards, page by page. The messages of a page are in the order of the log.
   *
   * @throws RealtimeClientError if the service refuses the request, or does not respond to several.
   */
  async *readBack(): AsyncGenerator<readonly TopicMessage[], void> {
    let position: HistoryPosition = { limit: FIRST_PAGE };
    for (;;) {
      const { messages, more } = await this.#readPage(position);
      const [oldest] = messages;
      if (oldest === undefined) return;
      yield messages;
      if (!more) return;
      position = { limit: PAGE, before: oldest.cursor };
    }
  }

  async #readPage(position: HistoryPosition): Promise<HistoryOfTopic> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#realtime.history(this.#topic, position);
      } catch (error) {
        if (!isTemporary(error) || attempt === ATTEMPTS) throw error;
      }
      const delay = FIRST_DELAY * 2 ** attempt;
      await new Promise((resolve) => setTimeout(resolve, delay));
    }
  }

  #subscribe(): void {
    const realtime = this.#realtime;
    const onMessage = ({ data }: { readonly data: unknown }) => {
      this.#tell((listener) => listener.onData(data));
    };
    this.#unsubscribe = [
      // The newest message says whether something was published between a read of the history and the subscription.
      realtime.subscribe(this.#topic, onMessage, { last: 1 }),
      realtime.on("gap", () => this.#tell((listener) => listener.onGap())),
      realtime.on("status", (status) => {
        if (status === "closed") this.#fail(new Error("The client was closed."));
      }),
      realtime.on("error", (error) => {
        if (error.topic === this.#topic) this.#fail(error);
      }),
    ];
  }

  #tell(call: (listener: FeedListener) => void): void {
    for (const listener of [...this.#listeners]) call(listener);
  }

  #fail(error: Error): void {
    this.#end();
    const listeners = [...this.#listeners];
    this.#listeners.clear();
    for (const listener of listeners) listener.onEnd(error);
  }

  #end(): void {
    for (const end of this.#unsubscribe.splice(0)) end();
  }
}

/** Whether a request that failed may succeed later. */
export function isTemporary(error: unknown): boolean {
  const { status } = Object(error) as { status?: number };
  return status !== undefined && [0, 429, 502, 503, 504].includes(status);
}
