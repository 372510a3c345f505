/** What tabs of one origin share, without a browser: `BroadcastChannel` and `navigator.locks`. */

interface Request {
  readonly name: string;
  readonly run: () => unknown;
  readonly reject: (error: unknown) => void;
}

/** Locks that are given in the order of the requests. */
export class FakeLocks {
  readonly #held = new Map<string, Request>();
  readonly #waiting: Request[] = [];

  request(
    name: string,
    ...[first, second]: [
      { signal?: AbortSignal; steal?: boolean } | (() => unknown),
      (() => unknown)?,
    ]
  ): Promise<unknown> {
    const options = typeof first === "function" ? {} : first;
    const run = second ?? (first as () => unknown);
    return new Promise((resolve, reject) => {
      const abort = (): void => reject(new DOMException("Aborted.", "AbortError"));
      const request: Request = { name, reject, run: async () => resolve(await run()) };
      if (options.steal) {
        this.#held.get(name)?.reject(new DOMException("Stolen.", "AbortError"));
        this.#held.delete(name);
        this.#waiting.unshift(request);
      } else this.#waiting.push(request);
      options.signal?.addEventListener("abort", () => {
        const index = this.#waiting.indexOf(request);
        if (index < 0) return;
        this.#waiting.splice(index, 1);
        abort();
      });
      this.#grant();
    });
  }

  async query(): Promise<{ held: { name: string }[] }> {
    return { held: [...this.#held.keys()].map((name) => ({ name })) };
  }

  #grant(): void {
    for (const request of [...this.#waiting]) {
      if (this.#held.has(request.name)) continue;
      this.#held.set(request.name, request);
      this.#waiting.splice(this.#waiting.indexOf(request), 1);
      const release = (): void => {
        if (this.#held.get(request.name) === request) this.#held.delete(request.name);
        this.#grant();
      };
      queueMicrotask(() => void Promise.resolve(request.run()).then(release, release));
    }
  }
}

/** A channel that can be frozen: what arrives waits until it is thawed. */
export class FakeChannel {
  static readonly open = new Set<FakeChannel>();
  readonly name: string;
  onmessage: ((event: { data: unknown }) => void) | undefined;
  #isFrozen = false;
  #waiting: unknown[] = [];

  constructor(name: string) {
    this.name = name;
    FakeChannel.open.add(this);
  }

  postMessage(message: unknown): void {
    for (const channel of FakeChannel.open) {
      if (channel === this || channel.name !== this.name) continue;
      channel.#waiting.push(structuredClone(message));
      queueMicrotask(() => channel.#deliver());
    }
  }

  freeze(): void {
    this.#isFrozen = true;
  }

  thaw(): void {
    this.#isFrozen = false;
    for (const _ of this.#waiting) queueMicrotask(() => this.#deliver());
  }

  close(): void {
    FakeChannel.open.delete(this);
  }

  #deliver(): void {
    if (this.#isFrozen || this.#waiting.length === 0 || !FakeChannel.open.has(this)) return;
    this.onmessage?.({ data: this.#waiting.shift() });
  }
}

/** Gives this process the globals of a page. @returns a function that restores the globals. */
export function installTabs(): () => void {
  const globals = { BroadcastChannel: FakeChannel, navigator: { locks: new FakeLocks() } };
  const before = Object.keys(globals).map(
    (name) => [name, Object.getOwnPropertyDescriptor(globalThis, name)] as const,
  );
  for (const [name, value] of Object.entries(globals)) {
    Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  }
  return () => {
    for (const channel of FakeChannel.open) channel.close();
    for (const [name, descriptor] of before) {
      if (descriptor === undefined) Reflect.deleteProperty(globalThis, name);
      else Object.defineProperty(globalThis, name, descriptor);
    }
  };
}
