/**
 * Bun has no limit of connections, and at the process's limit of open files it accepts in an endless loop: one core is busy,
 * and open streams starve. So new streams are refused shortly before the limit, and nothing is accepted right before it.
 */
import type { Server } from "bun";
import { formatSSEMessage } from "../../realtime/sse.ts";
import type { OpenFiles } from "../process/open-files.ts";

type BunServer = Server<undefined>;

/** Milliseconds between two looks at the number of open files. */
const WATCH_INTERVAL = 250;

/** Milliseconds after which the client of a refused stream comes back. */
const RETRY_AFTER = 5000;

/** The listening socket, which can be closed and opened again while connections stay. */
export class Door {
  readonly #serve: (port: number) => BunServer;
  /** Servers that still have open connections. The last one listens. */
  readonly #servers = new Map<BunServer, Promise<void>>();
  #open: BunServer | undefined;
  readonly port: number;

  constructor(serve: (port: number) => BunServer, port: number) {
    this.#serve = serve;
    this.#open = serve(port);
    this.port = this.#open.port ?? port;
  }

  get isOpen(): boolean {
    return this.#open !== undefined;
  }

  /** Accepts nothing from now on: the system refuses connections. */
  close(): void {
    const server = this.#open;
    if (server === undefined) return;
    this.#open = undefined;
    const stopped = server.stop().finally(() => this.#servers.delete(server));
    this.#servers.set(server, stopped);
  }

  /** Accepts again; not while the address can't be had. */
  reopen(): void {
    try {
      this.#open ??= this.#serve(this.port);
    } catch {
      // The next look tries again.
    }
  }

  /** Accepts nothing any more; resolves when the last connection is gone. */
  async stop(): Promise<void> {
    this.close();
    await Promise.all(this.#servers.values());
  }

  cut(): void {
    void this.#open?.stop(true);
    for (const server of this.#servers.keys()) void server.stop(true);
  }
}

/** Keeps the number of open files below the limit. */
export class FileGuard {
  readonly #files: OpenFiles;
  #timer: ReturnType<typeof setInterval> | undefined;
  /** At most so many files are open: those counted last, and one for each request since. */
  #estimate = 0;

  constructor(files: OpenFiles) {
    this.#files = files;
  }

  /** Whether a request that has just come must be refused. Counts only where that may be so. */
  isFull(): boolean {
    this.#estimate += 1;
    if (this.#estimate <= this.#files.usableLimit) return false;
    this.#estimate = this.#files.count();
    return this.#estimate > this.#files.usableLimit;
  }

  /** Closes the door half way between `most` and the limit, and opens it when there is room again. */
  watch(door: Door, onRefused: () => void): void {
    const { usableLimit, limit } = this.#files;
    const last = (usableLimit + limit) / 2;
    this.#timer = setInterval(() => {
      this.#estimate = this.#files.count();
      if (this.#estimate >= last && door.isOpen) {
        door.close();
        onRefused();
      } else if (this.#estimate < usableLimit) {
        door.reopen();
      }
    }, WATCH_INTERVAL);
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}

/** Only requests that open a stream are refused: others hold their connection briefly, and publishers must reach open streams. */
export function opensStream({ method, url }: Request): boolean {
  return method === "GET" && /\/api\/realtime(\?|$)/.test(url);
}

/** An EventSource comes back to a stream that has ended, but not to an error. */
export function refuseStream(): Response {
  return new Response(formatSSEMessage({ retry: RETRY_AFTER }), {
    status: 200,
    headers: { "Content-Type": "text/event-stream", Connection: "close" },
  });
}
