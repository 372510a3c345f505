/** The interfaces between a stream's session, its sink and the runtime that carries its bytes. */
import type { CloseReason, FrameSink } from "../realtime/types.ts";
import type { Bytes, Milliseconds } from "../realtime/units.ts";

/** Limits of a sink, and what the sink reports. `StreamSession` implements it. */
export interface SinkListener {
  /** Bytes that may be queued for a client. */
  readonly maxBufferedBytes: Bytes;
  /** Number of writes after which the sink calls `onWriteLimit`, once. 0 is no limit. */
  readonly maxWrites: number;
  /** The time of a monotonic clock. */
  now(): Milliseconds;
  /** More than `maxBufferedBytes` are still queued one turn of the event loop after they were accepted. */
  onOverflow(): void;
  /** The sink has made `maxWrites` writes. */
  onWriteLimit(): void;
  /** A chunk is queued: in the sink, or in the runtime, which has not written the chunk yet. */
  onQueued(chunk: Uint8Array): void;
  /** The runtime has written a chunk. The listener ignores a chunk for which `onQueued` was not called. */
  onWritten(chunk: Uint8Array): void;
  /** The client has disconnected. May be called more than once, also after `onClosed`. */
  onDisconnect(): void;
  /** The sink no longer uses Hono's stream. Closing Hono's stream does not end the response any more. */
  onDetached(): void;
  /** The core or the session has closed the sink. Called once, with the first reason. */
  onClosed(reason: CloseReason): void;
}

/** A `FrameSink` with the methods that a session needs to end a response. */
export interface OutgoingSink extends FrameSink {
  /** Number of writes that the runtime has accepted. */
  readonly writes: number;
  /** Whether the response head and the handshake have been sent, as far as the runtime tells. */
  readonly handshakeSent: boolean;
  /** Time since the client last made progress while bytes are queued for it. 0 when nothing is queued. */
  readonly stalledFor: Milliseconds;
  /**
   * Writes a last frame, waits until everything queued has been written, and ends the response. Works on a closed sink as
   * well.
   */
  finish(frame: Uint8Array | undefined): Promise<void>;
  /** Discards everything that is queued, and closes the connection. */
  destroy(): void;
}

/** The part of a `BufferedSink` that a `ChunkWriter` calls. */
export interface WriteCallback {
  /**
   * The chunk of the last `write` has been written, or never will be.
   *
   * @param hasFailed The write failed: the client has disconnected. Default false.
   */
  done(hasFailed?: boolean): void;
}

/** What a `BufferedSink` writes to, one chunk at a time. Each runtime has its own. */
export interface ChunkWriter {
  /** Writes a chunk, and calls `sink.done` once: during the call or later, also when the write fails. */
  write(chunk: Uint8Array, sink: WriteCallback): void;
  /** Ends the response after the last chunk. Default: the code that opened the stream ends the response. */
  end?(): void;
  /** Closes the connection without waiting for the client. */
  destroy(): void;
}

/**
 * Time in which a client must read what is queued and the final frame, once its stream ends. When the server shuts down, the
 * drain timeout of the server (`drainTimeout`) applies instead.
 */
export const FINAL_FRAME_TIMEOUT: Milliseconds = 10_000;
