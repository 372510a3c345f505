import { Host, type HostParts } from "./host.ts";
import { type HostSettings, hostLock } from "./messages.ts";

/** How long a tab waits for the SharedWorker, in milliseconds. Then a tab may become the host. */
const WORKER_TIME = 3_000;
/** How often a visible tab checks that the host answers, in milliseconds. */
const CHECK_INTERVAL = 10_000;
/** How long a host may take to answer, in milliseconds. A host that takes longer is frozen, and a visible tab replaces it. */
const PROBE_TIME = 3_000;

/** Starts the SharedWorker that is the host. Makes this tab the host if there is no SharedWorker, or if the host is gone. */
export class HostCandidate {
  readonly #settings: HostSettings;
  readonly #parts: HostParts;
  readonly #probe: () => void;
  readonly #timer: ReturnType<typeof setInterval>;
  /** Ends the wait for the lock. Undefined while this tab leaves the lock to the SharedWorker. */
  #waiting: AbortController | undefined;
  #host: Host | undefined;
  /** Releases the lock, if this tab holds it. */
  #endHost = (): void => {};
  #heardAt = 0;
  #isFrozen = false;
  #isClosed = false;

  /**
   * @param withWorker Whether a SharedWorker may be the host. It can't use the functions of `parts`.
   * @param probe Asks the host to answer.
   */
  constructor(settings: HostSettings, parts: HostParts, withWorker: boolean, probe: () => void) {
    this.#settings = settings;
    this.#parts = parts;
    this.#probe = probe;
    this.#timer = setInterval(() => this.check(), CHECK_INTERVAL);
    globalThis.document?.addEventListener("freeze", this.#onFreeze);
    globalThis.document?.addEventListener("resume", this.#onResume);
    if (withWorker) this.#startWorker();
    else void this.#wait();
  }

  /** Must be called for each message of a host. */
  onHost(): void {
    this.#heardAt = Date.now();
    // This tab takes over when the host is gone.
    void this.#wait();
  }

  /** Replaces a host that does not answer, because the browser has frozen its tab. */
  check(): void {
    const isHidden = globalThis.document?.hidden === true;
    if (isHidden || this.#host !== undefined || this.#waiting === undefined) return;
    const probedAt = Date.now();
    this.#probe();
    setTimeout(() => {
      if (this.#heardAt < probedAt && this.#host === undefined) void this.#wait(true);
    }, PROBE_TIME);
  }

  close(): void {
    this.#isClosed = true;
    clearInterval(this.#timer);
    globalThis.document?.removeEventListener("freeze", this.#onFreeze);
    globalThis.document?.removeEventListener("resume", this.#onResume);
    this.#waiting?.abort();
    this.#endHost();
  }

  /** The browser stops the timers and the stream of a page that it freezes, so another tab must be the host. */
  readonly #onFreeze = (): void => {
    this.#isFrozen = true;
    this.#waiting?.abort();
    this.#endHost();
  };

  readonly #onResume = (): void => {
    this.#isFrozen = false;
    void this.#wait();
  };

  #startWorker(): void {
    try {
      const worker = new SharedWorker(new URL("./shared-worker.js", import.meta.url), {
        type: "module",
        name: JSON.stringify(this.#settings),
      });
      worker.onerror = () => void this.#wait();
      setTimeout(() => void this.#wait(), WORKER_TIME);
    } catch {
      void this.#wait(); // The script is from another origin, or the policy of the page forbids workers.
    }
  }

  /** Waits for the lock. The tab is the host while it holds the lock. @param steal Whether to take the lock from another tab. */
  async #wait(steal = false): Promise<void> {
    if (this.#isClosed || this.#isFrozen || (this.#waiting !== undefined && !steal)) return;
    this.#waiting?.abort();
    const waiting = new AbortController();
    this.#waiting = waiting;
    const options = steal ? { steal } : { signal: waiting.signal };
    try {
      await navigator.locks.request(hostLock(this.#settings.channel), options, async () => {
        if (this.#isClosed || this.#isFrozen) return;
        this.#host = new Host(this.#settings, this.#parts);
        await new Promise<void>((resolve) => {
          this.#endHost = resolve;
        });
      });
    } catch (error) {
      // An AbortError: another tab has stolen the lock, or this tab has ended its wait.
      if ((error as Error).name !== "AbortError") return;
    } finally {
      if (this.#waiting === waiting) {
        this.#host?.close();
        this.#host = undefined;
        this.#waiting = undefined;
      }
    }
    void this.#wait();
  }
}
