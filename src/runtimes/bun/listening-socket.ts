import type { BunServer } from "./bindings.ts";

/**
 * The listening socket of the service. It can be closed and reopened while connections stay open. Bun can't pause a server, so
 * each reopening creates a new server with `Bun.serve`.
 */
export class ListeningSocket {
  readonly #serve: (port: number) => BunServer;
  #listening: BunServer | undefined;
  /** Servers that no longer listen, but have open connections. The promise resolves when the last connection is closed. */
  readonly #closing = new Map<BunServer, Promise<void>>();
  readonly port: number;

  /**
   * @param port 0 uses a free port.
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

  /** Listens again. Does nothing if the address can't be used: call this method again later. */
  reopen(): void {
    try {
      this.#listening ??= this.#serve(this.port);
    } catch {
      // Another process has taken the port.
    }
  }

  /** Stops listening. Resolves when the last connection is closed. */
  async stop(): Promise<void> {
    this.close();
    await Promise.all(this.#closing.values());
  }

  closeAllConnections(): void {
    void this.#listening?.stop(true);
    for (const server of this.#closing.keys()) void server.stop(true);
  }
}
