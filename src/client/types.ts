/** The types of `pocketwire/client`. */

/** Types of payloads by topic: `{ "chat/1": Chat }`, or for a prefix ``{ [topic: `chat/${string}`]: Chat }``. */
export type EventMap = Record<string, unknown>;

/** What a page of topics or keys may be called: a topic, `prefix/*`, or `*`. */
export type TopicOf<Events> = keyof Events & string;

/** A message, as a subscription's callback and `history` receive it. */
export interface Message<Data = unknown> {
  /** The topic that the message was published to, also if the subscription is for `chat/*`. */
  readonly topic: string;
  readonly data: Data;
  /** Id of the message: the same for every subscriber, and after a reconnect. */
  readonly id: string;
  /** When the service accepted the message, in ISO 8601. */
  readonly at: string;
  /** Only for record events: what happened to the record. `leave` is sent with the option `leave` only. */
  readonly action?: "create" | "update" | "delete" | "leave";
  /** Only for record events: the record. With `leave`, only its `id`. */
  readonly record?: Readonly<Record<string, unknown>> & { readonly id: string };
}

/** A user who is subscribed to a topic. */
export interface Member<Info = Record<string, unknown>> {
  /** The user: `sub` of the token. */
  readonly id: string;
  readonly info: Info;
  /** When the user joined, in milliseconds since 1970. */
  readonly since: number;
}

/** Who is subscribed to a topic. */
export interface Presence<Info = Record<string, unknown>> {
  /** In the order in which the members joined. Empty in a topic with more than 1,000 members. */
  readonly members: readonly Member<Info>[];
  /** Number of members. */
  readonly count: number;
  /** Number of streams without an identity. */
  readonly guests: number;
}

/** Options of one subscription. */
export interface SubscribeOptions {
  /** Begin with up to this many of the newest messages, 0 to 1,000. Default 0. */
  readonly last?: number;
  /** Receive only what matches: `status = "open"`. docs/records.md describes the language. */
  readonly filter?: string;
  /** Receive only these fields of the data or record, with commas between. */
  readonly fields?: string;
  /** Record events only: which of `create`, `update` and `delete` to receive, with commas between. */
  readonly actions?: string;
  /** Record events only: receive an update only if it changed one of these fields. With commas between. */
  readonly changed?: string;
  /** Record events only: receive `leave` when an update moves a record out of the filter. Default false. */
  readonly leave?: boolean;
  /** Called with the members of the topic, at once and after each change. Needs a topic without `*`. */
  readonly presence?: (presence: Presence) => void;
}

/**
 * - `idle`: there are no subscriptions, so there is no stream.
 * - `connecting`: the first connection, or a reconnect.
 * - `connected`: the service has the subscriptions.
 * - `closed`: `close()` was called.
 */
export type Status = "idle" | "connecting" | "connected" | "closed";

/** The events of `Realtime.on`. */
export interface RealtimeEvents {
  /** The state of the stream has changed. */
  readonly status: Status;
  /**
   * Messages may be missing: the history of the service no longer reaches back to what this client received last. Load the
   * state of the page again. Live messages follow.
   */
  readonly gap: undefined;
  /** A request failed. The client tries again by itself, except with a subscription that the service refuses. */
  readonly error: RealtimeClientError;
}

/** An error that the service answered, or a request that failed. */
export interface RealtimeClientError extends Error {
  /** HTTP status of the answer. 0: there was no answer. */
  readonly status: number;
  /** The topic of the subscription that the service refused. */
  readonly topic?: string;
  /** Field errors of the answer, by field. */
  readonly data?: unknown;
  /** How long the service asks to wait, in milliseconds. */
  readonly retryAfter?: number;
}

/** What the client needs of an `EventSource`. A browser's and the one of the npm package `eventsource` have it. */
export interface EventSourceLike {
  readonly readyState: number;
  addEventListener(type: string, listener: (event: MessageEvent) => void): void;
  close(): void;
}

/** Options of `connect`. */
export interface ConnectOptions {
  /**
   * Returns a token of the user, or nothing for a guest. Called for the first connection, before a token expires (`exp` of a
   * JWT), when the service refuses a token, and by `refreshToken()`.
   */
  readonly token?: () => string | null | undefined | Promise<string | null | undefined>;
  /** Send the cookies of the service's origin. Default false: only from pages of the same origin. */
  readonly withCredentials?: boolean;
  /** One stream for all tabs of the origin. A name keeps tabs of different users apart. Default false. */
  readonly share?: boolean | string;
  /** The class to open streams with. Default: the global `EventSource`. In Node pass the one of the package `eventsource`. */
  readonly EventSource?: new (
    url: string,
    init?: { withCredentials?: boolean },
  ) => EventSourceLike;
  /** Sends the requests. Default: the global `fetch`. */
  readonly fetch?: (url: string, init: RequestInit) => Promise<Response>;
}

/** What `publish` takes. */
export type Publication<Data = unknown> =
  | {
      readonly topic: string;
      readonly data: Data;
      readonly id?: string;
      readonly private?: boolean;
      readonly ttl?: number;
    }
  | {
      readonly collection: string;
      readonly action: "create" | "update" | "delete";
      readonly record: Readonly<Record<string, unknown>> & { readonly id: string };
      readonly previous?: Readonly<Record<string, unknown>> & { readonly id: string };
      readonly id?: string;
      readonly private?: boolean;
      readonly ttl?: number;
    };

/** Options of `history`: those of a subscription that choose messages, and a page. */
export interface HistoryOptions
  extends Pick<SubscribeOptions, "filter" | "fields" | "actions" | "changed"> {
  /** Number of messages, 1 to 1,000. Default 100. */
  readonly limit?: number;
  /** Read the newest messages before this cursor: `cursor` of a message of an earlier page. */
  readonly before?: string;
  /** Read the oldest messages after this cursor. */
  readonly after?: string;
}

/** A page of the history, oldest message first. */
export interface HistoryPage<Data = unknown> {
  readonly messages: readonly (Message<Data> & { readonly cursor: string })[];
  /** The cursor after this page. */
  readonly cursor: string;
  /** Whether there are more messages. */
  readonly more: boolean;
}

/** The payload of a topic. `chat/*` in a subscription stands for every topic below `chat/`. */
export type PayloadOf<Events, Topic extends string> = Topic extends keyof Events
  ? Events[Topic]
  : Topic extends "*"
    ? Events[keyof Events]
    : Topic extends `${infer Prefix}/*`
      ? {
          [Name in keyof Events]: Name extends `${Prefix}/${string}` ? Events[Name] : never;
        }[keyof Events]
      : unknown;

/** The client. `connect` creates it. */
export interface Realtime<Events = EventMap> {
  /** The state of the stream. */
  readonly status: Status;
  /** Id of the stream at the service, while connected. */
  readonly clientId: string | undefined;
  /**
   * Calls `onMessage` for each message of a topic, of all topics below a prefix (`chat/*`), or of all topics (`*`).
   *
   * @returns a function that ends the subscription.
   */
  subscribe<Topic extends string>(
    topic: Topic,
    onMessage: (message: Message<PayloadOf<Events, Topic>>) => void,
    options?: SubscribeOptions,
  ): () => void;
  /** Calls `listener` for each event. @returns a function that removes the listener. */
  on<Name extends keyof RealtimeEvents>(
    name: Name,
    listener: (value: RealtimeEvents[Name]) => void,
  ): () => void;
  /**
   * Publishes one message or a list. A network error and 503 are tried again with the same ids, so that nothing is delivered
   * twice.
   *
   * @returns the ids of the messages, in their order.
   * @throws RealtimeClientError if the service refuses the messages, or after 5 failed requests.
   */
  publish(messages: Publication | readonly Publication[]): Promise<string[]>;
  /** Reads a page of the history of a topic. @throws RealtimeClientError */
  history<Topic extends string>(
    topic: Topic,
    options?: HistoryOptions,
  ): Promise<HistoryPage<PayloadOf<Events, Topic>>>;
  /** Reads the members of a topic once. @throws RealtimeClientError */
  presence(topic: string): Promise<Presence>;
  /** Calls `onChange` with the members, at once and after each change. @returns a function that ends it. */
  presence(topic: string, onChange: (presence: Presence) => void): () => void;
  /** Sets what other clients see of this user in a topic besides the token's info: `{ typing: true }`. @throws RealtimeClientError */
  setInfo(topic: string, info: Record<string, unknown>): Promise<void>;
  /** Calls `token` again, for example after the user signed in or out. The stream goes on with the new identity. */
  refreshToken(): void;
  /** Ends the stream and all subscriptions. */
  close(): void;
}
