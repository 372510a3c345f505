/** One SSE response, from the handshake to its end. */
import { RealtimeError } from "../realtime/errors.ts";
import { formatCursorEvent, formatSSEComment, formatSSEMessage } from "../realtime/sse.ts";
import type { CloseReason, Logger, MaybePromise } from "../realtime/types.ts";
import type { ClientConnection } from "../registry/registry.ts";
import type { ActiveStreams } from "./active-streams.ts";
import type { Heartbeat, HeartbeatHandle, HeartbeatListener } from "./heartbeat.ts";
import { formatRetry, RETRY_RANGES, spreadRetry } from "./retry.ts";
import { FINAL_FRAME_TIMEOUT, type OutgoingSink, type SinkListener } from "./sink.ts";
import type { EvictableStream, WaitingBudget, WaitingBytes } from "./waiting-budget.ts";

export const STREAM_HEADERS = {
  "Content-Type": "text/event-stream",
  "Cache-Control": "no-cache, no-transform",
  "X-Accel-Buffering": "no",
};

const encoder = new TextEncoder();
const PING = formatSSEComment("ping");
const PING_BYTES = encoder.encode(PING);
/** A page can't see a comment. With `?ping=event` the page gets an event that a watchdog can listen for. */
const PING_EVENT = { event: "ping", data: {} };

/** A timer may fire this many milliseconds early by the clock; a ping must not wait a whole turn for it. */
const TIMER_TOLERANCE = 20;

/** Settings that all streams of one server share. Times are milliseconds. */
export interface SessionSettings {
  /** Time between two pings. */
  readonly pingInterval: number;
  /** A client that has taken nothing for this long is disconnected. */
  readonly staleTimeout: number;
  /** A stream is aborted when its response head has not left within this time. */
  readonly handshakeTimeout: number;
  /** Bytes that may wait for one client. */
  readonly maxBufferedBytes: number;
  /** Writes, the handshake included, after which the stream ends and the client is asked to reconnect. 0 is no limit. */
  readonly maxWrites: number;
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number;
  readonly logger: Logger;
  readonly streams: ActiveStreams;
  readonly budget: WaitingBudget;
  readonly heartbeat: Heartbeat;
  /** Called once when the session starts. */
  readonly onStart: (clientId: string) => void;
  /** Called once when the session has ended. An error that it throws is logged. */
  readonly onEnd: (clientId: string, reason: CloseReason) => MaybePromise<void>;
}

/** One open stream. It must not retain the request or Hono's context: there are many streams, and most are idle. */
export class StreamSession implements SinkListener, HeartbeatListener, EvictableStream {
  readonly #settings: SessionSettings;
  readonly #connection: ClientConnection;
  readonly #withPingEvent: boolean;
  #sink: OutgoingSink | undefined;
  #heartbeat: HeartbeatHandle | undefined;
  /** Cuts the stream when its handshake does not leave. */
  #handshakeTimer: ReturnType<typeof setTimeout> | undefined;
  /** `released` in the making; true when it is over. */
  #resolveHonoStreamDone: (() => void) | true | undefined;
  #hasEnded = false;
  /** What waits for the client; most clients never have anything waiting. */
  #waitingBytes: WaitingBytes | undefined;
  readonly network: string | undefined;
  #lastPingAt: number;
  /** The place that the client was told last. */
  #lastSentCursor: string | undefined;

  constructor(
    settings: SessionSettings,
    connection: ClientConnection,
    network: string | undefined,
    withPingEvent: boolean,
  ) {
    this.#settings = settings;
    this.network = network;
    this.#connection = connection;
    this.#withPingEvent = withPingEvent;
    this.#lastSentCursor = connection.cursor;
    // The first ping may come earlier by as much as the pulse spreads them.
    this.#lastPingAt = settings.now() - settings.pingInterval / 4;
  }

  /** Settles when the stream of Hono's is not needed any more: at the end, or when the sink does without. */
  get honoStreamDone(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#resolveHonoStreamDone === true) resolve();
      else this.#resolveHonoStreamDone = resolve;
    });
  }

  get maxBufferedBytes(): number {
    return this.#settings.maxBufferedBytes;
  }

  get maxWrites(): number {
    return this.#settings.maxWrites;
  }

  now(): number {
    return this.#settings.now();
  }

  onOverflow(): void {
    this.#connection.close("slow");
  }

  onWriteLimit(): void {
    this.#connection.close("lifetime");
  }

  onQueued(chunk: Uint8Array): void {
    if (this.#hasEnded) return;
    this.#waitingBytes ??= this.#settings.budget.open(this);
    this.#waitingBytes.add(chunk);
  }

  onWritten(chunk: Uint8Array): void {
    this.#waitingBytes?.remove(chunk);
  }

  /** Too much waits for all clients together, and the most for this one. */
  onEvicted(): void {
    // This may be in the middle of a delivery, which takes the client out by itself at its next write.
    this.#sink?.close("slow");
    this.#sink?.destroy();
  }

  onDisconnect(): void {
    this.#connection.close("client");
  }

  onDetached(): void {
    if (typeof this.#resolveHonoStreamDone === "function") this.#resolveHonoStreamDone();
    this.#resolveHonoStreamDone = true;
  }

  /** Middleware reads the response to its end, and would keep all of it in memory until then. */
  onReadWhole(): void {
    const path = "exclude the stream's address from it";
    this.#abort(`middleware reads the whole response, which does not end; ${path}`);
  }

  onClosed(reason: CloseReason): void {
    void this.#end(reason);
  }

  async start(sink: OutgoingSink): Promise<void> {
    const { heartbeat, streams, onStart } = this.#settings;
    const connection = this.#connection;
    this.#sink = sink;
    streams.add(this);
    onStart(connection.clientId);
    this.#heartbeat = heartbeat.add(this);
    this.#startHandshakeTimer(sink);
    try {
      sink.write(encoder.encode(handshake(connection)));
      await connection.attach(sink);
    } catch (error) {
      if (error instanceof RealtimeError) await this.#refuse(sink, error);
      else this.#destroyAfterError(sink, error);
      await this.#cleanUp("error");
    }
  }

  /** There was room for it when it asked, and is none any more: it may come back. */
  async #refuse(sink: OutgoingSink, { message }: RealtimeError): Promise<void> {
    const { clientId } = this.#connection;
    this.#settings.logger.warn("client turned away", { clientId, reason: message });
    this.#connection.close("error");
    await this.#finish(sink, "error");
  }

  /** Writes the last frame and ends the response. A client that does not read is cut. */
  async #finish(sink: OutgoingSink, reason: CloseReason): Promise<void> {
    if (reason !== "shutdown") {
      clearTimeout(this.#handshakeTimer);
      this.#handshakeTimer = setTimeout(() => sink.destroy(), FINAL_FRAME_TIMEOUT);
    }
    await sink.finish(this.#finalFrame(reason));
  }

  async #end(reason: CloseReason): Promise<void> {
    // Whoever closes is in the middle of something.
    await undefined;
    const sink = this.#sink;
    if (sink === undefined) return;
    try {
      this.#connection.close(reason);
      if (flushesBeforeClose(reason)) await this.#finish(sink, reason);
      else sink.destroy();
    } catch (error) {
      this.#destroyAfterError(sink, error);
    }
    await this.#cleanUp(reason);
  }

  /** What asks the client to come back; undefined when it is not to. */
  #finalFrame(reason: CloseReason): Uint8Array | undefined {
    if (reason === "admin" || reason === "expired" || reason === "revoked") return undefined;
    if (reason === "lifetime") return encoder.encode(formatRetry(RETRY_RANGES.lifetime));
    const clients = Math.max(this.#settings.streams.count, this.#connection.shardClients ?? 0);
    return encoder.encode(formatRetry(spreadRetry(RETRY_RANGES.shutdown, clients)));
  }

  #destroyAfterError(sink: OutgoingSink, error: unknown): void {
    const { clientId } = this.#connection;
    this.#settings.logger.error("stream failed", { clientId, error: String(error) });
    this.#connection.close("error");
    sink.destroy();
  }

  async #cleanUp(reason: CloseReason): Promise<void> {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    if (this.#heartbeat !== undefined) this.#settings.heartbeat.remove(this, this.#heartbeat);
    if (this.#handshakeTimer !== undefined) clearTimeout(this.#handshakeTimer);
    this.onDetached();
    this.#waitingBytes?.clear();
    this.#settings.streams.delete(this);
    try {
      await this.#settings.onEnd(this.#connection.clientId, reason);
    } catch (error) {
      const told = error instanceof Error ? error.stack || String(error) : String(error);
      this.#settings.logger.error("onDisconnect failed", { error: told });
    }
  }

  /** The keep-alive, and the end of a client that takes nothing. */
  onHeartbeat(): void {
    const { pingInterval, staleTimeout } = this.#settings;
    const sink = this.#sink;
    if (sink === undefined) return;
    if (sink.stalledFor >= staleTimeout) {
      this.#connection.close("stale");
      sink.destroy();
      return;
    }
    const now = this.now();
    if (sink.bufferedBytes > 0 || now - this.#lastPingAt < pingInterval - TIMER_TOLERANCE) return;
    this.#lastPingAt = now;
    this.#connection.updateActivity();
    sink.write(this.#pingFrame());
  }

  #pingFrame(): Uint8Array {
    const place = this.#connection.resumeCursor();
    const hasMoved = place !== undefined && place !== this.#lastSentCursor;
    this.#lastSentCursor = place;
    if (!hasMoved && !this.#withPingEvent) return PING_BYTES;
    const id = hasMoved ? place : undefined;
    const event = this.#withPingEvent
      ? formatSSEMessage({ ...PING_EVENT, id })
      : formatCursorEvent(place);
    return encoder.encode(PING + event);
  }

  /**
   * Middleware of a host may hold back the response: `etag()` reads it to its end first. And workerd never pulls a response
   * whose client left before it, and says nothing of it.
   */
  #startHandshakeTimer(sink: OutgoingSink): void {
    const { handshakeTimeout } = this.#settings;
    this.#handshakeTimer = setTimeout(() => {
      this.#handshakeTimer = undefined;
      if (sink.handshakeSent) return;
      const limit = `${handshakeTimeout / 1000} s`;
      this.#abort(
        `the response head did not leave within ${limit}; middleware may hold back the response`,
      );
    }, handshakeTimeout);
  }

  #abort(reason: string): void {
    if (this.#hasEnded) return;
    this.#settings.logger.warn("stream cut", { clientId: this.#connection.clientId, reason });
    this.#connection.close("stale");
    this.#sink?.destroy();
  }
}

/**
 * The SDKs take the client id from `id:`, not from the data (docs/protocol.md, "Connect"). The client id contains the cursor
 * where the stream begins, so a client that comes back with it resumes there.
 */
function handshake({ clientId }: ClientConnection): string {
  return formatSSEMessage({ event: "PB_CONNECT", data: { clientId }, id: clientId });
}

/** Whether whoever listens is still there to be told what was accepted before. `error` is the registry's, then. */
function flushesBeforeClose(reason: CloseReason): boolean {
  return reason !== "client" && reason !== "slow" && reason !== "stale";
}
