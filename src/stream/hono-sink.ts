/** The portable sink. It writes to Hono's stream, and so works on every runtime. */
import type { Context } from "hono";
import type { SSEStreamingApi } from "hono/streaming";
import type { FlushScheduler } from "../realtime/delivery/flush-scheduler.ts";
import { BufferedSink } from "./buffered-sink.ts";
import {
  type ChunkWriter,
  FINAL_FRAME_TIMEOUT,
  type OutgoingSink,
  type SinkListener,
} from "./sink.ts";

/** The features of a runtime that the portable sink uses if they exist. */
export interface SinkRuntime {
  /** Closes the connection of a request, even if its client does not read. Default: only Hono's stream is cancelled. */
  readonly abort?: (c: Context) => void;
  /** Batches frames until the end of a turn of the event loop. Default: each frame is written at once. */
  readonly flushScheduler?: FlushScheduler;
}

/** Opens a sink that writes to Hono's stream. The response ends when Hono closes the stream. */
export function openHonoSink(
  c: Context,
  stream: SSEStreamingApi,
  listener: SinkListener,
  { abort, flushScheduler }: SinkRuntime,
): OutgoingSink {
  const { signal } = c.req.raw;
  const onDisconnect = () => listener.onDisconnect();
  stream.onAbort(onDisconnect);
  signal.addEventListener("abort", onDisconnect);
  // The client may have disconnected while its request was authorised. A signal that is already aborted fires no event.
  if (signal.aborted) onDisconnect();
  const destroy = () => {
    stream.abort();
    abort?.(c);
  };
  const end = () => {
    if (abort === undefined) return;
    // There are further buffers after Hono's stream. They may contain bytes that the client never reads.
    const timer = setTimeout(() => abort(c), FINAL_FRAME_TIMEOUT);
    // The cast: a timer is an object on Node and Bun, but a number without `unref` on Workers.
    (timer as { unref?: () => void }).unref?.();
  };
  return new BufferedSink(listener, { ...createHonoWriter(stream, destroy), end }, flushScheduler);
}

/**
 * Creates a writer to Hono's stream. The promise of `StreamingApi.write` resolves when Hono's TransformStream has room. Hono
 * offers no other backpressure, and does not report whether a write has failed (hono 4.13, `utils/stream`).
 */
export function createHonoWriter(
  stream: SSEStreamingApi,
  destroy: () => void = () => {},
): ChunkWriter {
  return {
    write: (chunk, sink) => {
      stream.write(chunk).then(
        () => sink.done(),
        () => sink.done(true),
      );
    },
    destroy,
  };
}
