import type { Message } from "./types.ts";

/** A request that is traced. */
export type TracedRequest = "connect" | "subscribe" | "publish";

/** The span of a request that is being served. */
export interface RequestSpan {
  /** Adds the client of the request, and the number of subscriptions in the request. */
  addClient(clientId: string, subscriptions: number): void;
  /** Adds the messages that the request publishes. */
  addMessages(messages: readonly Message[]): void;
  /** Marks the request as failed, although the status of its response is a success. */
  fail(error: unknown): void;
}

/** How a request ended. */
export interface RequestOutcome {
  readonly status: number;
  /** What a handler has thrown. */
  readonly error?: unknown;
}

/**
 * Follows requests and messages through the service. `createTracing` of `pocketwire/tracing` reports them to OpenTelemetry. The
 * methods must call `run` once and must not throw: an error of the tracing system must neither refuse a request nor lose a
 * message.
 */
export interface Tracing {
  /** Serves a request. */
  request(
    request: TracedRequest,
    headers: Pick<Headers, "get">,
    run: (span: RequestSpan) => Promise<RequestOutcome>,
  ): Promise<void>;
  /**
   * Appends messages to the log.
   *
   * @param span The request that publishes the messages. Undefined for `RealtimeServer.publish`.
   * @param run Appends the messages. Called with the `traceparent` for messages that have none.
   */
  append<T>(
    messages: readonly Message[],
    span: RequestSpan | undefined,
    run: (traceparent: string | undefined) => Promise<T>,
  ): Promise<T>;
  /** Delivers messages of the log to the clients of this process or hub. Messages without `traceparent` are not traced. */
  deliver(messages: readonly Message[], run: () => void): void;
  /** Sends the data that have not been sent yet. Called when the server closes. */
  flush(): Promise<void>;
}
