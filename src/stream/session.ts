/** The session of one SSE response, from the handshake to the end of the stream. */
import { canStillReceive } from "../realtime/close-reason.ts";
import { RealtimeError } from "../realtime/errors.ts";
import type { CloseReason } from "../realtime/types.ts";
import type { Bytes, Milliseconds } from "../realtime/units.ts";
import type { ClientConnection } from "../registry/registry.ts";
import type { HeartbeatHandle, HeartbeatListener } from "./heartbeat.ts";
import { finalFrame, handshakeFrame, pingFrame } from "./session-frames.ts";
import type { SessionSettings } from "./session-settings.ts";
import { FINAL_FRAME_TIMEOUT, type OutgoingSink, type SinkListener } from "./sink.ts";
import type { EvictableStream, WaitingBytes } from "./waiting-budget.ts";

/** A heartbeat may be early by up to this time. It still sends a ping, because the next heartbeat would be too late. */
const TIMER_TOLERANCE: Milliseconds = 20;

/**
 * One open stream. A session must not retain the request or Hono's context: there are many sessions, and most of them are
 * idle.
 */
export class StreamSession implements SinkListener, HeartbeatListener, EvictableStream {
  readonly #settings: SessionSettings;
  readonly #connection: ClientConnection;
  readonly #withPingEvent: boolean;
  readonly network: string | undefined;
  #sink: OutgoingSink | undefined;
  #heartbeat: HeartbeatHandle | undefined;
  /** Aborts the stream if the handshake is not sent in time. */
  #handshakeTimer: ReturnType<typeof setTimeout> | undefined;
  /** Limits the time for the final frame, except during a shutdown. */
  #finalTimer: ReturnType<typeof setTimeout> | undefined;
  /** The function that resolves `honoStreamDone`. True when Hono may close its stream. */
  #resolveHonoStreamDone: (() => void) | true | undefined;
  #hasEnded = false;
  /** Undefined until the first chunk is queued. Most clients never have a queued chunk. */
  #waitingBytes: WaitingBytes | undefined;
  #lastPingAt: Milliseconds;
  #lastSentCursor: string | undefined;

  /**
   * @param network The client's network (`networkOf`), for the budget of waiting bytes.
   * @param withPingEvent Whether pings contain an event in addition to the comment.
   */
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
    // The first heartbeat comes up to a quarter of its interval early (`SharedHeartbeat`). If heartbeats are as far apart as pings,
    // it must still send a ping.
    this.#lastPingAt = settings.now() - settings.pingInterval / 4;
  }

  /** Resolves when Hono may close its stream: the session has ended, or the sink no longer uses Hono's stream. */
  get honoStreamDone(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#resolveHonoStreamDone === true) resolve();
      else this.#resolveHonoStreamDone = resolve;
    });
  }

  get maxBufferedBytes(): Bytes {
    return this.#settings.maxBufferedBytes;
  }

  get maxWrites(): number {
    return this.#settings.maxWrites;
  }

  now(): Milliseconds {
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

  onEvicted(): void {
    // Not `connection.close`, because the core may be writing to this client now. The core removes the client when a write
    // fails.
    this.#sink?.close("slow");
    this.#sink?.destroy();
  }

  onDisconnect(): void {
    this.#connection.close("client");
  }

  onDetached(): void {
    // On Bun the handshake has not been sent yet.
    if (this.#sink?.handshakeSent === true) {
      clearTimeout(this.#handshakeTimer);
      // A timer that was cleared would still retain memory for each client.
      this.#handshakeTimer = undefined;
    }
    if (typeof this.#resolveHonoStreamDone === "function") this.#resolveHonoStreamDone();
    this.#resolveHonoStreamDone = true;
  }

  onClosed(reason: CloseReason): void {
    void this.#end(reason);
  }

  /** Called when middleware reads the whole response. The middleware would keep every message in memory, and send none. */
  onReadWhole(): void {
    const hint = "exclude the stream's path from it";
    this.#abort(`middleware reads the whole response, which does not end; ${hint}`);
  }

  /** Writes the handshake, and registers the client. Resolves when the client is registered or refused. */
  async start(sink: OutgoingSink): Promise<void> {
    const { heartbeat, streams, onStart } = this.#settings;
    const connection = this.#connection;
    this.#sink = sink;
    streams.add(this);
    onStart(connection.clientId);
    this.#heartbeat = heartbeat.add(this);
    this.#startHandshakeTimer(sink);
    try {
      sink.write(handshakeFrame(connection.clientId));
      await connection.attach(sink);
    } catch (error) {
      if (error instanceof RealtimeError) await this.#refuse(sink, error);
      else this.#destroyAfterError(sink, error);
      await this.#cleanUp("error");
    }
  }

  /** Sends a ping, or disconnects a client that has stopped reading. */
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
    const cursor = this.#connection.resumeCursor();
    const isNew = cursor !== this.#lastSentCursor;
    this.#lastSentCursor = cursor;
    sink.write(pingFrame(isNew ? cursor : undefined, this.#withPingEvent));
  }

  /**
   * Middleware of the embedding app may hold back the response, for example to build a new response from the whole body. And when a
   * client disconnects early, workerd does not read the body of the response, and fires no event.
   */
  #startHandshakeTimer(sink: OutgoingSink): void {
    const { handshakeTimeout } = this.#settings;
    this.#handshakeTimer = setTimeout(() => {
      this.#handshakeTimer = undefined;
      if (sink.handshakeSent) return;
      this.#abort(
        `the response head did not leave within ${handshakeTimeout / 1000} s; middleware may hold back the response`,
      );
    }, handshakeTimeout);
  }

  /**
   * Asks the client to reconnect, because `attach` failed: after `ClientRegistry.open`, a limit was reached, or the credential
   * expired or was revoked.
   */
  async #refuse(sink: OutgoingSink, { message }: RealtimeError): Promise<void> {
    const { clientId } = this.#connection;
    this.#settings.logger.warn("client refused", { clientId, reason: message });
    this.#connection.close("error");
    await this.#finish(sink, "error");
  }

  async #end(reason: CloseReason): Promise<void> {
    // Deferred, because `close` may be called while the registry iterates over its clients.
    await undefined;
    const sink = this.#sink;
    if (sink === undefined) return;
    try {
      this.#connection.close(reason);
      if (canStillReceive(reason)) await this.#finish(sink, reason);
      else sink.destroy();
    } catch (error) {
      this.#destroyAfterError(sink, error);
    }
    await this.#cleanUp(reason);
  }

  /** Writes the final frame and ends the response. Closes the connection if the client does not read in time. */
  async #finish(sink: OutgoingSink, reason: CloseReason): Promise<void> {
    if (reason !== "shutdown") {
      clearTimeout(this.#handshakeTimer);
      this.#finalTimer = setTimeout(() => sink.destroy(), FINAL_FRAME_TIMEOUT);
    }
    const clients = Math.max(this.#settings.streams.count, this.#connection.shardClients ?? 0);
    await sink.finish(finalFrame(reason, clients));
  }

  #destroyAfterError(sink: OutgoingSink, error: unknown): void {
    const { clientId } = this.#connection;
    this.#settings.logger.error("stream failed", { clientId, error: String(error) });
    this.#connection.close("error");
    sink.destroy();
  }

  #abort(reason: string): void {
    if (this.#hasEnded) return;
    this.#settings.logger.warn("stream cut", { clientId: this.#connection.clientId, reason });
    this.#connection.close("stale");
    this.#sink?.destroy();
  }

  /** Releases the resources of the session. Further calls do nothing. */
  async #cleanUp(reason: CloseReason): Promise<void> {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    if (this.#heartbeat !== undefined) this.#settings.heartbeat.remove(this, this.#heartbeat);
    clearTimeout(this.#handshakeTimer);
    clearTimeout(this.#finalTimer);
    this.onDetached();
    this.#waitingBytes?.clear();
    this.#settings.streams.delete(this);
    try {
      await this.#settings.onEnd(this.#connection.clientId, reason);
    } catch (error) {
      const text = error instanceof Error ? error.stack || String(error) : String(error);
      this.#settings.logger.error("onDisconnect failed", { error: text });
    }
  }
}
