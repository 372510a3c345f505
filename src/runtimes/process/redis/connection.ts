/** One connection to Redis at a time, on the package `redis`, which is loaded when it is first needed. */
import { RealtimeError } from "../../../realtime/errors.ts";
import type { Milliseconds } from "../../../realtime/units.ts";
import { toRealtimeError } from "./errors.ts";

/** A client of the package `redis`, as far as it is used here. The types of an optional package must not appear in ours. */
export interface RedisClient {
  connect(): Promise<unknown>;
  sendCommand(args: readonly string[]): Promise<unknown>;
  subscribe(channel: string, listener: (message: string) => void): Promise<void>;
  destroy(): void;
  readonly isReady: boolean;
  on(event: "error", listener: (error: unknown) => void): unknown;
}

/** Time without an answer after which a connection counts as broken. */
const SOCKET_TIMEOUT: Milliseconds = 3000;

/** Time between two PINGs on an idle connection. */
const PING_INTERVAL: Milliseconds = 1000;

/** Time after a failed attempt to connect, during which calls fail at once. */
const CONNECT_PAUSE: Milliseconds = 100;

/**
 * A connection to Redis that is opened when it is needed. A broken connection is never repaired: the next call opens a new one.
 * A client that reconnects by itself may hang, or send a command twice.
 */
export class RedisConnection {
  readonly #url: string;
  readonly #onOpen: (client: RedisClient) => Promise<unknown>;
  #client: RedisClient | undefined;
  #connecting: Promise<RedisClient> | undefined;
  #failedAt = Number.NEGATIVE_INFINITY;
  #failure: unknown;
  #isClosed = false;

  /**
   * @param url `redis://` or `rediss://`, with the credential if there is one. The URL appears in no error.
   * @param onOpen Called with each new connection before it is used.
   */
  constructor(url: string, onOpen: (client: RedisClient) => Promise<unknown> = async () => {}) {
    this.#url = url;
    this.#onOpen = onOpen;
  }

  /**
   * Sends a command.
   *
   * @param recover Returns a result in place of an error. Default: every error is thrown.
   * @throws RealtimeError `unreachable` or `storage_failed`.
   */
  async send(args: readonly string[], recover?: (error: unknown) => unknown): Promise<unknown> {
    const client = await this.client();
    try {
      return await client.sendCommand(args);
    } catch (error) {
      const result = recover?.(error);
      if (result !== undefined) return result;
      const translated = toRealtimeError(error);
      if (translated.endsConnection) this.#drop(client);
      throw translated.error;
    }
  }

  /** Returns the open connection, or opens one. @throws RealtimeError `unreachable`. */
  async client(): Promise<RedisClient> {
    if (this.#isClosed) throw new RealtimeError("closed", "The server is stopping.");
    if (this.#client?.isReady === true) return this.#client;
    // While Redis is away, many callers ask. They must neither wait nor open a connection each.
    if (this.#connecting === undefined && performance.now() - this.#failedAt < CONNECT_PAUSE) {
      throw toRealtimeError(this.#failure).error;
    }
    this.#connecting ??= this.#connect().finally(() => {
      this.#connecting = undefined;
    });
    return this.#connecting;
  }

  /** Closes the connection at once. Waiting commands fail. The next call opens a new connection. */
  disconnect(): void {
    if (this.#client !== undefined) this.#drop(this.#client);
  }

  /** Closes the connection for good. */
  close(): void {
    this.#isClosed = true;
    this.disconnect();
  }

  async #connect(): Promise<RedisClient> {
    this.disconnect();
    const client = await createClient(this.#url);
    // Without a listener, the error would end the process. Each command fails by itself.
    client.on("error", () => this.#drop(client));
    try {
      await client.connect();
      await this.#onOpen(client);
      if (this.#isClosed) throw new RealtimeError("closed", "The server is stopping.");
    } catch (error) {
      destroy(client);
      this.#failedAt = performance.now();
      this.#failure = error;
      throw toRealtimeError(error).error;
    }
    this.#client = client;
    return client;
  }

  #drop(client: RedisClient): void {
    if (this.#client === client) this.#client = undefined;
    destroy(client);
  }
}

function destroy(client: RedisClient): void {
  try {
    client.destroy();
  } catch {
    // The client is already closed.
  }
}

async function createClient(url: string): Promise<RedisClient> {
  const redis = await import("redis").catch(refuseMissingPackage);
  // The cast: `RedisClient` has a part of the client's methods, with simpler types.
  return redis.createClient({
    url,
    RESP: 2,
    disableOfflineQueue: true,
    pingInterval: PING_INTERVAL,
    socket: {
      reconnectStrategy: false,
      connectTimeout: SOCKET_TIMEOUT,
      socketTimeout: SOCKET_TIMEOUT,
    },
  }) as unknown as RedisClient;
}

/** @throws RealtimeError `invalid_config`: the package `redis` is not installed. */
function refuseMissingPackage(cause: unknown): never {
  throw new RealtimeError(
    "invalid_config",
    "REDIS_URL needs the package redis, version 6 or later. Install it: npm install redis",
    { cause },
  );
}
