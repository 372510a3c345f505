/** A stream with bytes that its client has not taken yet. */
export interface EvictableStream {
  /** Where its client comes from, as a network; undefined is unknown, and then only the total counts. */
  readonly network: string | undefined;
  /** Cuts the stream, and gives back all that it holds. */
  onEvicted(): void;
}

/** What streams hold together. A chunk that waits for several of them is in memory once, and counts once. */
class Ledger {
  readonly #most: number;
  readonly #holders = new Map<Uint8Array, number>();
  readonly #streams = new Set<WaitingBytes>();
  bytes = 0;

  /** @param most Bytes. 0 is any number. */
  constructor(most: number) {
    this.#most = most || Number.POSITIVE_INFINITY;
  }

  get isEmpty(): boolean {
    return this.#streams.size === 0;
  }

  add(chunk: Uint8Array, waiting: WaitingBytes): void {
    const holders = this.#holders.get(chunk) ?? 0;
    this.#holders.set(chunk, holders + 1);
    this.#streams.add(waiting);
    if (holders === 0) this.bytes += chunk.length;
  }

  remove(chunk: Uint8Array, waiting: WaitingBytes): void {
    const holders = (this.#holders.get(chunk) ?? 1) - 1;
    if (waiting.isEmpty) this.#streams.delete(waiting);
    if (holders > 0) {
      this.#holders.set(chunk, holders);
      return;
    }
    this.#holders.delete(chunk);
    this.bytes -= chunk.length;
  }

  /** Cuts the fullest streams until the rest fits. */
  enforceLimit(): void {
    if (this.bytes <= this.#most) return;
    const byShare = [...this.#streams].map((waiting) => [this.#shareOf(waiting), waiting] as const);
    byShare.sort(([one], [other]) => other - one);
    for (const [, waiting] of byShare) {
      if (this.bytes <= this.#most) return;
      waiting.evict();
    }
  }

  /** A chunk that several streams hold counts for each of them in part. */
  #shareOf(waiting: WaitingBytes): number {
    let share = 0;
    for (const chunk of waiting.chunks) share += chunk.length / (this.#holders.get(chunk) ?? 1);
    return share;
  }
}

/** What one stream holds. */
export class WaitingBytes {
  readonly #budget: WaitingBudget;
  readonly #stream: EvictableStream;
  /** Each with how often it waits: the same frame may have been given twice. */
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

  /** Ignores a chunk that is not held. */
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
 * Bounds the bytes that wait for clients, in all and of one network (`networkOf`): each client has a bound of its own, and
 * many clients together need one too. Streams are noted when something begins to wait for them: a client that takes
 * everything at once costs nothing here.
 */
export class WaitingBudget {
  readonly #total: Ledger;
  readonly #maxPerAddress: number;
  readonly #byNetwork = new Map<string, Ledger>();

  /** @param max Bytes, as `maxPerAddress`. 0 is any number. */
  constructor(max: number, maxPerAddress: number) {
    this.#total = new Ledger(max);
    this.#maxPerAddress = maxPerAddress;
  }

  /** Bytes that wait now. */
  get bytes(): number {
    return this.#total.bytes;
  }

  open(stream: EvictableStream): WaitingBytes {
    return new WaitingBytes(this, stream);
  }

  add(chunk: Uint8Array, waiting: WaitingBytes): void {
    const ledger = this.#ledgerOf(waiting.network);
    this.#total.add(chunk, waiting);
    ledger?.add(chunk, waiting);
    // The address's own bound is enforced first, so that streams of other addresses are not cut for it.
    ledger?.enforceLimit();
    this.#total.enforceLimit();
  }

  remove(chunk: Uint8Array, waiting: WaitingBytes): void {
    this.#total.remove(chunk, waiting);
    const { network } = waiting;
    const ledger = network === undefined ? undefined : this.#byNetwork.get(network);
    ledger?.remove(chunk, waiting);
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
