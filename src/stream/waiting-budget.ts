/** Limits the memory for the waiting bytes of all streams together. */
import type { Bytes } from "../realtime/units.ts";

/** A stream that the budget can disconnect. */
export interface EvictableStream {
  /** The client's network (`networkOf`). If it is undefined, the stream counts only towards the limit for all clients. */
  readonly network: string | undefined;
  /** Called if a limit is exceeded and this stream has the largest share. The stream must discard its waiting bytes. */
  onEvicted(): void;
}

/**
 * The waiting bytes of several streams, with a limit. A chunk that is waiting for several streams is one buffer in memory,
 * so it counts once.
 */
class Ledger {
  readonly #limit: Bytes;
  /** For each chunk, the number of streams for which it is waiting. */
  readonly #holders = new Map<Uint8Array, number>();
  readonly #streams = new Set<WaitingBytes>();
  bytes: Bytes = 0;

  /** @param limit 0 is no limit. */
  constructor(limit: Bytes) {
    this.#limit = limit || Number.POSITIVE_INFINITY;
  }

  get isEmpty(): boolean {
    return this.#streams.size === 0;
  }

  add(chunk: Uint8Array, stream: WaitingBytes): void {
    const holders = this.#holders.get(chunk) ?? 0;
    this.#holders.set(chunk, holders + 1);
    this.#streams.add(stream);
    if (holders === 0) this.bytes += chunk.length;
  }

  remove(chunk: Uint8Array, stream: WaitingBytes): void {
    const holders = (this.#holders.get(chunk) ?? 1) - 1;
    if (stream.isEmpty) this.#streams.delete(stream);
    if (holders > 0) {
      this.#holders.set(chunk, holders);
      return;
    }
    this.#holders.delete(chunk);
    this.bytes -= chunk.length;
  }

  /** Evicts the streams with the largest shares until the waiting bytes are within the limit. */
  enforceLimit(): void {
    if (this.bytes <= this.#limit) return;
    const byShare = [...this.#streams].map((stream) => [this.#shareOf(stream), stream] as const);
    byShare.sort(([one], [other]) => other - one);
    for (const [, stream] of byShare) {
      if (this.bytes <= this.#limit) return;
      stream.evict();
    }
  }

  /** Adds up a stream's shares of its chunks. The size of a chunk is divided among the streams for which it is waiting. */
  #shareOf(stream: WaitingBytes): Bytes {
    let share = 0;
    for (const chunk of stream.chunks) share += chunk.length / (this.#holders.get(chunk) ?? 1);
    return share;
  }
}

/** The waiting chunks of one stream. */
export class WaitingBytes {
  readonly #budget: WaitingBudget;
  readonly #stream: EvictableStream;
  /** How often each chunk is waiting: a client may be sent the same frame twice. */
  readonly #chunks = new Map<Uint8Array, number>();

  constructor(budget: WaitingBudget, stream: EvictableStream) {
    this.#budget = budget;
    this.#stream = stream;
  }

  get chunks(): Iterable<Uint8Array> {
    return this.#chunks.keys();
  }

  get isEmpty(): boolean {
    return this.#chunks.size === 0;
  }

  get network(): string | undefined {
    return this.#stream.network;
  }

  add(chunk: Uint8Array): void {
    const times = this.#chunks.get(chunk) ?? 0;
    this.#chunks.set(chunk, times + 1);
    if (times === 0) this.#budget.add(chunk, this);
  }

  /** Ignores a chunk that was not added. */
  remove(chunk: Uint8Array): void {
    const times = this.#chunks.get(chunk);
    if (times === undefined) return;
    if (times > 1) {
      this.#chunks.set(chunk, times - 1);
      return;
    }
    this.#chunks.delete(chunk);
    this.#budget.remove(chunk, this);
  }

  clear(): void {
    for (const chunk of this.#chunks.keys()) {
      this.#chunks.delete(chunk);
      this.#budget.remove(chunk, this);
    }
  }

  evict(): void {
    this.#stream.onEvicted();
    this.clear();
  }
}

/**
 * Limits the waiting bytes of all clients together, and of the clients of one network. `maxBufferedBytes` limits only a single
 * client, so many clients that do not read could otherwise exhaust the memory. A session calls `open` when its first chunk
 * waits, so a stream without waiting bytes takes no memory here.
 */
export class WaitingBudget {
  readonly #total: Ledger;
  readonly #maxPerAddress: Bytes;
  readonly #byNetwork = new Map<string, Ledger>();

  /**
   * @param max Maximum for all clients. 0 is no limit.
   * @param maxPerAddress Maximum for the clients of one network. 0 is no limit.
   */
  constructor(max: Bytes, maxPerAddress: Bytes) {
    this.#total = new Ledger(max);
    this.#maxPerAddress = maxPerAddress;
  }

  /** Waiting bytes of all clients now. A chunk that is waiting for several clients counts once. */
  get bytes(): Bytes {
    return this.#total.bytes;
  }

  open(stream: EvictableStream): WaitingBytes {
    return new WaitingBytes(this, stream);
  }

  /** Called by `WaitingBytes`. If a limit is exceeded, evicts streams, possibly this one. */
  add(chunk: Uint8Array, stream: WaitingBytes): void {
    const ledger = this.#ledgerOf(stream.network);
    this.#total.add(chunk, stream);
    ledger?.add(chunk, stream);
    // The network's limit is enforced first, so that a network over its limit causes no eviction in another network.
    ledger?.enforceLimit();
    this.#total.enforceLimit();
  }

  /** Called by `WaitingBytes`. */
  remove(chunk: Uint8Array, stream: WaitingBytes): void {
    this.#total.remove(chunk, stream);
    const { network } = stream;
    const ledger = network === undefined ? undefined : this.#byNetwork.get(network);
    ledger?.remove(chunk, stream);
    if (network !== undefined && ledger?.isEmpty === true) this.#byNetwork.delete(network);
  }

  #ledgerOf(network: string | undefined): Ledger | undefined {
    if (network === undefined) return undefined;
    let ledger = this.#byNetwork.get(network);
    if (ledger === undefined) {
      ledger = new Ledger(this.#maxPerAddress);
      this.#byNetwork.set(network, ledger);
    }
    return ledger;
  }
}
