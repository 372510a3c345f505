/** The types of `pocketwire/client`. */

/** The type of the data of each topic: `{ "chat/1": Chat }`, or for a prefix ``{ [topic: `chat/${string}`]: Chat }``. */
export type EventMap = Record<string, unknown>;

/** What a page of topics or keys may be called: a topic, `prefix/*`, or `*`. */
export type TopicOf<Events> = keyof Events & string;

/** A message, as `subscribe` and `history` return it. */
export interface Message<Data = unknown> {
  /** The topic that the message was published to: `chat/1`, even if the subscription is for `chat/*`. */
  readonly topic: string;
  readonly data: Data;
  /** Id of the message: the same for every subscriber, and after a reconnect. */
  readonly id: string;
  /** When the service accepted the message, in ISO 8601. */
  readonly at: string;
  /** The trace context of the message (W3C Trace Context). Absent if the message belongs to no trace. */
  readonly traceparent?: string;
  /** Only for record events: what happened to the record. `leave` needs the option `leave`. */
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

/** The users that are subscribed to a topic. */
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
  /** Called with the members of the topic: at once, and after each change. Needs a topic without `*`. */
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
   * Messages may be missing, because the history of the service no longer reaches back to the last message that this client
   * received. Load the state of the page again. New messages follow.
   */
  readonly gap: undefined;
  /**
   * The service refused the subscriptions, or `token` failed. The client tries again by itself, but not with a subscription that
   * the service refuses. A broken connection is no error: the status becomes `connecting`.
   */
  readonly error: RealtimeClientError;
}

/** A request that the service refused, or that failed. */
export interface RealtimeClientError extends Error {
  /** HTTP status of the response, or 0 if there was none. */
  readonly status: number;
  /** The topic of the subscription that the service refused. */
  readonly topic?: string;
  /** The errors of the request's fields, by field. */
  readonly data?: unknown;
  /** How long to wait before the next request, as the service asks, in milliseconds. */
  readonly retryAfter?: number;
}

/** The part of an `EventSource` that the client uses. Browsers and the npm package `eventsource` have such a class. */
export interface EventSourceLike {
  readonly readyState: number;
  addEventListener(type: string, listener: (event: MessageEvent) => void): void;
  close(): void;
}

/** Options of `connect`. */
export interface ConnectOptions {
  /**
   * Returns the user's token, or `undefined` for a guest. Called before the first request, before a token expires (`exp` of a
   * JWT), when the service ends a stream or refuses its subscriptions because of the token, and by `refreshToken()`.
   */
  readonly token?: () => string | null | undefined | Promise<string | null | undefined>;
  /** Whether to send the service's cookies even if the page has another origin. Default false. */
  readonly withCredentials?: boolean;
  /** true: all tabs of the origin share one stream. A string: only tabs with the same string share one. Default false. */
  readonly share?: boolean | string;
  /** The class that opens streams. Default: the global `EventSource`. In Node, pass the class of the package `eventsource`. */
  readonly EventSource?: new (
    url: string,
    init?: { withCredentials?: boolean },
  ) => EventSourceLike;
  /** The function that sends requests. Default: the global `fetch`. */
  readonly fetch?: (url: string, init: RequestInit) => Promise<Response>;
}

/** Fields of every message that `publish` sends. */
interface PublicationFields {
  /** 1 to 255 characters. With the same id, a message is not delivered twice. Default: a random id. */
  readonly id?: string;
  /** `true` delivers the message only to clients with a right to its topic. Default: as the topic rules say, otherwise `false`. */
  readonly private?: boolean;
  /** Seconds after which the message is neither replayed nor listed, 1 to 31,536,000. Default: as the topic rules say. */
  readonly ttl?: number;
  /** The trace context of the message (W3C Trace Context). Default: the message belongs to no trace. */
  readonly traceparent?: string;
}

/** A record event that `publish` sends. */
interface RecordPublication extends PublicationFields {
  readonly collection: string;
  readonly action: "create" | "update" | "delete";
  readonly record: Readonly<Record<string, unknown>> & { readonly id: string };
  /** Only with `update`: the record before the update. */
  readonly previous?: Readonly<Record<string, unknown>> & { readonly id: string };
}

/** A message that `publish` sends: to a topic, with the payload of the topic, or a record event. */
export type Publication<Events = EventMap, Topic extends string = string> =
  | RecordPublication
  | (PublicationFields & { readonly topic: Topic; readonly data: PayloadOf<Events, Topic> });

/** Options of `history`. */
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
   * Publishes one message or a list. If the service does not respond or is busy (429, 502, 503, 504), sends the messages again
   * with the same ids, so no message is delivered twice.
   *
   * @returns the ids of the messages, in their order.
   * @throws RealtimeClientError if the service refuses the messages, or after 5 failed requests.
   */
  publish<Topic extends string>(
    messages: Publication<Events, Topic> | readonly Publication<Events, Topic>[],
  ): Promise<string[]>;
  /** Reads a page of the history of a topic. @throws RealtimeClientError */
  history<Topic extends string>(
    topic: Topic,
    options?: HistoryOptions,
  ): Promise<HistoryPage<PayloadOf<Events, Topic>>>;
  /** Reads the members of a topic once. @throws RealtimeClientError */
  presence(topic: string): Promise<Presence>;
  /** Calls `onChange` with the members: at once, and after each change. @returns a function that ends the calls. */
  presence(topic: string, onChange: (presence: Presence) => void): () => void;
  /**
   * Sets what other users see of this user in a topic, in addition to the token's info: `{ typing: true }`.
   *
   * @throws RealtimeClientError unless the client is connected and subscribed to the topic.
   */
  setInfo(topic: string, info: Record<string, unknown>): Promise<void>;
  /** Calls `token` again, and reconnects with the new token. Call it after the user has signed in or out. */
  refreshToken(): void;
  /** Ends the stream and all subscriptions. A closed client can't subscribe again. */
  close(): void;
}
