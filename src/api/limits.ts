/** Bounds of requests. Lengths are UTF-16 code units; a rate of 0 is no limit. */
export interface RequestLimits {
  /** Largest request body in bytes. Default 1 MiB. */
  readonly maxBodyBytes: number;
  /** How long a request body may take to arrive, in milliseconds. Default 30,000. */
  readonly requestTimeout: number;
  /** Subscription keys of one client. Default 1,000. */
  readonly maxSubscriptions: number;
  /** Length of a topic or subscription key. Default 2,500. */
  readonly maxTopicLength: number;
  /** Messages in one batch. Default 1,000. */
  readonly maxBatch: number;
  /** Data of one message, in bytes as JSON. Default 256 KiB. */
  readonly maxMessageBytes: number;
  /**
   * Streams opened, subscriptions set and histories read, each by itself, by address (`networkOf`). At once ten seconds'
   * worth; of streams and subscriptions at least `maxClientsPerAddress`. Not where the runtime tells no address. Default 100.
   */
  readonly connectsPerSecond: number;
  /**
   * Messages published, by identity; at once ten seconds' worth, or `maxBatch` where that is more. The admin key has no
   * limit. Default 10: with 1,000 at once, one identity fills less than half of the default history.
   */
  readonly publishesPerSecond: number;
  /** Credentials refused, by address (`networkOf`), and ten seconds' worth at once. Default 20. */
  readonly failuresPerSecond: number;
  /**
   * Bytes of these messages (data, topics and ids), by identity; at once ten seconds' worth, or `maxBodyBytes` where that is
   * more. The admin key has no limit. Default 50,000: one identity fills less than half of the default history.
   */
  readonly publishBytesPerSecond: number;
  /**
   * Messages of the history that reads look through, by address (`networkOf`), and ten seconds' worth at once. A read that
   * has begun ends; the reads behind it wait for what it took. Default 50,000: five whole histories a second.
   */
  readonly historyScanPerSecond: number;
}

export const DEFAULT_LIMITS: RequestLimits = {
  maxBodyBytes: 1_048_576,
  requestTimeout: 30_000,
  maxSubscriptions: 1000,
  maxTopicLength: 2500,
  maxBatch: 1000,
  maxMessageBytes: 262_144,
  connectsPerSecond: 100,
  publishesPerSecond: 10,
  publishBytesPerSecond: 50_000,
  historyScanPerSecond: 50_000,
  failuresPerSecond: 20,
};

/** What was asked for, and the defaults for the rest. */
export function limitsOf(options: Partial<RequestLimits>): RequestLimits {
  const names = Object.keys(DEFAULT_LIMITS) as (keyof RequestLimits)[];
  const limits = names.map((name) => [name, options[name] ?? DEFAULT_LIMITS[name]]);
  return Object.fromEntries(limits) as unknown as RequestLimits;
}

/** What holds when an option or variable is left out. Milliseconds and bytes. */
export const DEFAULTS: {
  readonly origins: readonly string[];
  readonly pingInterval: number;
  readonly staleTimeout: number;
  readonly handshakeTimeout: number;
  readonly maxBufferedBytes: number;
  readonly maxWaitingBytes: number;
  readonly maxWaitingBytesPerAddress: number;
  readonly maxStreamWrites: number;
  readonly drainTimeout: number;
  readonly maxClients: number;
  readonly maxClientsPerAddress: number;
  readonly maxKeys: number;
  readonly maxKeysPerAddress: number;
  readonly maxKeyCharacters: number;
  readonly maxKeyCharactersPerAddress: number;
  readonly authGrace: number;
  readonly metrics: "admin" | "open" | "off";
} = {
  origins: ["*"],
  pingInterval: 30_000,
  staleTimeout: 90_000,
  handshakeTimeout: 10_000,
  maxBufferedBytes: 1_048_576,
  maxWaitingBytes: 268_435_456,
  maxWaitingBytesPerAddress: 67_108_864,
  maxStreamWrites: 0,
  drainTimeout: 10_000,
  maxClients: 50_000,
  maxClientsPerAddress: 1000,
  // A key takes about 400 bytes of memory beside its characters: all of them leave room in a heap of 512 MB.
  maxKeys: 500_000,
  maxKeysPerAddress: 100_000,
  maxKeyCharacters: 64 * 1024 * 1024,
  maxKeyCharactersPerAddress: 16 * 1024 * 1024,
  authGrace: 10_000,
  metrics: "admin",
};
