import type { BunServer } from "./bindings.ts";

/**
 * The server's listening socket. It can be closed and opened again while connections stay open: Bun has no way to pause a
 * server, so each opening is a new `Bun.serve`.
 */
export class ListeningSocket {
  readonly #serve: (port: number) => BunServer;
  #listening: BunServer | undefined;
  /** Servers that no longer listen, and still have open connections. The promise resolves with the last of them. */
  readonly #closing = new Map<BunServer, Promise<void>>();
  readonly port: number;

  /**
   * @param port 0 takes a free port.
   * @throws Error when the address can't be used.
   */
  constructor(serve: (port: number) => BunServer, port: number) {
    this.#serve = serve;
    this.#listening = serve(port);
    this.port = this.#listening.port ?? port;
  }

  get isListening(): boolean {
    return this.#listening !== undefined;
  }

  /** Stops listening. The operating system refuses further connections. */
  close(): void {
    const server = this.#listening;
    if (server === undefined) return;
    this.#listening = undefined;
    const stopped = server.stop().finally(() => this.#closing.delete(server));
    this.#closing.set(server, stopped);
  }

  /** Listens again. Does nothing when the address can't be used: call it again later. */
  reopen(): void {
    try {
      this.#listening ??= this.#serve(this.port);
    } catch {
      // Another process has taken the port.
    }
  }

  /** Stops listening for good. Resolves when the last connection is closed. */
  async stop(): Promise<void> {
    this.close();
    await Promise.all(this.#closing.values());
  }

  closeAllConnections(): void {
    void this.#listening?.stop(true);
    for (const server of this.#closing.keys()) void server.stop(true);
  }
}
