/** Headers of every event stream. nginx buffers a response unless `X-Accel-Buffering` is `no`. */
export const STREAM_HEADERS = {
  "Content-Type": "text/event-stream",
  "Cache-Control": "no-cache, no-transform",
  "X-Accel-Buffering": "no",
};
