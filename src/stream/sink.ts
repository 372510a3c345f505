/** The interfaces between a stream's session, its sink and its runtime. */
import type { CloseReason, FrameSink } from "../realtime/types.ts";
import type { Bytes, Milliseconds } from "../realtime/units.ts";

/** The limits of a sink, and the events that the sink reports. `StreamSession` implements it. */
export interface SinkListener {
  /** Maximum number of waiting bytes. */
  readonly maxBufferedBytes: Bytes;
  /** Number of writes after which the sink calls `onWriteLimit`, once. 0 is no limit. */
  readonly maxWrites: number;
  /** Returns the time of a monotonic clock. */
  now(): Milliseconds;
  /** More than `maxBufferedBytes` are still waiting one turn of the event loop after they were accepted. */
  onOverflow(): void;
  /** The sink has made `maxWrites` writes. */
  onWriteLimit(): void;
  /** A chunk is waiting for the client, in the sink or in the runtime. */
  onQueued(chunk: Uint8Array): void;
  /** The runtime has written a chunk. The listener ignores a chunk for which `onQueued` was not called. */
  onWritten(chunk: Uint8Array): void;
  /** The client has disconnected. May be called more than once, and after `onClosed`. */
  onDisconnect(): void;
  /** The sink no longer uses Hono's stream. The end of Hono's stream no longer ends the response. */
  onDetached(): void;
  /** The sink was closed by the core or the session, or because a write failed. Called once, with the first reason. */
  onClosed(reason: CloseReason): void;
}

/** A `FrameSink` with the methods that a session needs to end a response. */
export interface OutgoingSink extends FrameSink {
  /** Number of writes to the runtime. */
  readonly writes: number;
  /** Whether the response head and the handshake have been sent, as far as the runtime reports it. */
  readonly handshakeSent: boolean;
  /** Time since the client last took any of its waiting bytes. 0 if there are no waiting bytes. */
  readonly stalledFor: Milliseconds;
  /**
   * Writes a last frame, waits until all waiting bytes have been written, and ends the response. Also works on a closed sink.
   */
  finish(frame: Uint8Array | undefined): Promise<void>;
  /** Discards the waiting bytes, and closes the connection. */
  destroy(): void;
}

/** The part of a `BufferedSink` that a `ChunkWriter` calls. */
export interface WriteCallback {
  /**
   * The chunk of the last `write` has been written or discarded.
   *
   * @param hasFailed Whether the write failed because the client has disconnected. Default false.
   */
  done(hasFailed?: boolean): void;
}

/** Writes the chunks of a `BufferedSink`, one at a time. Each runtime has its own implementation. */
export interface ChunkWriter {
  /** Writes a chunk. Calls `sink.done` once, during the call or later, even if the write fails. May omit it after `destroy`. */
  write(chunk: Uint8Array, sink: WriteCallback): void;
  /** Ends the response after the last chunk. Default: the code that opened the stream ends the response. */
  end?(): void;
  /** Closes the connection without waiting for the client. */
  destroy(): void;
}

/**
 * Time in which a client must take its waiting bytes and the final frame when its stream ends. During a shutdown of the
 * server, `drainTimeout` applies instead.
 */
export const FINAL_FRAME_TIMEOUT: Milliseconds = 10_000;
