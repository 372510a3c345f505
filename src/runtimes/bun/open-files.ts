/**
 * Keeps the process below its limit of open files. Bun has no limit of connections. At the limit of open files, Bun calls
 * `accept` in an endless loop (measured with Bun 1.4): one core is busy, and open streams get no CPU time. Therefore new
 * streams are refused before the limit is reached. If the number of open files still grows, the server stops listening.
 */
import { formatSSEMessage } from "../../realtime/sse.ts";
import type { Milliseconds } from "../../realtime/units.ts";
import type { OpenFiles } from "../process/open-files.ts";
import type { ListeningSocket } from "./listening-socket.ts";

/** Time between two counts of open files. */
const WATCH_INTERVAL: Milliseconds = 250;

/** Time after which the client of a refused stream reconnects. */
const RETRY_AFTER: Milliseconds = 5000;

/** Decides when new streams are refused and when the server stops listening, from the number of open files. */
export class OpenFileLimiter {
  readonly #files: OpenFiles;
  #timer: ReturnType<typeof setInterval> | undefined;
  /** Estimate of the number of open files: the last count, plus the number of requests since then. */
  #estimate = 0;

  constructor(files: OpenFiles) {
    this.#files = files;
  }

  /**
   * Whether a new stream must be refused. Call this once for each request. Counts files only when the estimate exceeds
   * `usableLimit`, because counting is slow.
   */
  isFull(): boolean {
    this.#estimate += 1;
    if (this.#estimate <= this.#files.usableLimit) return false;
    this.#estimate = this.#files.count();
    return this.#estimate > this.#files.usableLimit;
  }

  /**
   * Stops listening when the number of open files is half way between `usableLimit` and the limit. Listens again when the
   * number is below `usableLimit`.
   *
   * @param onRefused Called each time the server stops listening.
   */
  watch(socket: ListeningSocket, onRefused: () => void): void {
    const { usableLimit, limit } = this.#files;
    const stopAt = (usableLimit + limit) / 2;
    this.#timer = setInterval(() => {
      this.#estimate = this.#files.count();
      if (this.#estimate >= stopAt && socket.isListening) {
        socket.close();
        onRefused();
      } else if (this.#estimate < usableLimit) {
        socket.reopen();
      }
    }, WATCH_INTERVAL);
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}

/** Whether a request opens a stream. Only streams are refused: other requests are short, and publishers must be served. */
export function isStreamRequest({ method, url }: Request): boolean {
  return method === "GET" && /\/api\/realtime(\?|$)/.test(url);
}

/** Creates a stream that ends at once. An EventSource reconnects after the end of a stream, but not after an error status. */
export function refuseStream(): Response {
  return new Response(formatSSEMessage({ retry: RETRY_AFTER }), {
    status: 200,
    headers: { "Content-Type": "text/event-stream", Connection: "close" },
  });
}
