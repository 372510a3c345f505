import type { KeyOptions } from "../key.ts";
import { createError } from "../requests.ts";
import type { OnEvent, StreamLike, StreamListener, StreamSettings } from "../stream.ts";
import type { Status } from "../types.ts";
import { Host, type HostParts } from "./host.ts";
import {
  type HostMessage,
  type HostSettings,
  hostLock,
  messageOf,
  type Posted,
  positionOf,
  type TabMessage,
  type TabSubscription,
  tabLock,
} from "./messages.ts";

/** How long a tab waits for the SharedWorker, in milliseconds. Then a tab may become the host. */
const WORKER_TIME = 3_000;
/** How often a visible tab checks that there is a host, in milliseconds. */
const CHECK_INTERVAL = 10_000;
/** How long a host may take to answer, in milliseconds. A host that does not is frozen, and another tab takes its place. */
const PROBE_TIME = 3_000;

interface Subscription {
  readonly topic: string;
  readonly options: KeyOptions;
  readonly onEvent: OnEvent;
  hasBegun: boolean;
  /** Number of the newest message that was received. */
  newest: number;
}

/** A tab's part of a stream that all tabs of an origin share. */
export class SharedStream implements StreamLike {
  readonly #tab: string = crypto.randomUUID();
  readonly #settings: HostSettings;
  readonly #parts: HostParts;
  readonly #token: StreamSettings["token"];
  readonly #listener: StreamListener;
  readonly #channel: BroadcastChannel;
  readonly #subscriptions = new Map<string, Subscription>();
  readonly #timer: ReturnType<typeof setInterval>;
  #lastId = 0;
  /** The id of the last event that any tab has received. */
  #cursor = "";
  #hostStatus: Status = "connecting";
  #status: Status = "idle";
  #clientId: string | undefined;
  #lastHeardAt = 0;
  /** Whether this tab holds its lock. Before, a host would take the tab for gone. */
  #isPresent = false;
  /** Ends the wait for the lock of the host. Undefined while this tab leaves the lock to the SharedWorker. */
  #waiting: AbortController | undefined;
  #host: Host | undefined;
  /** Releases the lock of the host, if this tab holds it. */
  #endHost = (): void => {};
  /** Releases the lock of the tab. */
  #endTab = (): void => {};
  #isFrozen = false;

  /** @param withWorker Whether a SharedWorker may hold the stream. It can't use the functions of `parts`. */
  constructor(
    settings: HostSettings,
    parts: HostParts,
    token: StreamSettings["token"],
    listener: StreamListener,
    withWorker: boolean,
  ) {
    this.#settings = settings;
    this.#parts = parts;
    this.#token = token;
    this.#listener = listener;
    this.#channel = new BroadcastChannel(settings.channel);
    this.#channel.onmessage = ({ data }: MessageEvent<Posted>) => {
      if ("toTabs" in data) this.#onMessage(data.toTabs);
    };
    void navigator.locks.request(tabLock(settings.channel, this.#tab), () => {
      if (this.#status === "closed") return undefined;
      this.#isPresent = true;
      this.#sayHello();
      // The lock is held as long as this promise is pending.
      return new Promise<void>((resolve) => {
        this.#endTab = resolve;
      });
    });
    globalThis.document?.addEventListener("freeze", this.#onFreeze);
    globalThis.document?.addEventListener("resume", this.#onResume);
    if (withWorker) this.#startWorker();
    else void this.#waitForHost();
    this.#timer = setInterval(() => this.#probe(), CHECK_INTERVAL);
  }

  add(topic: string, options: KeyOptions, onEvent: OnEvent): () => void {
    const id = `${this.#tab}/${++this.#lastId}`;
    this.#subscriptions.set(id, { topic, options, onEvent, hasBegun: false, newest: 0 });
    if (this.#isPresent) {
      const subscription = { id, topic, options, hasBegun: false };
      this.#post({ kind: "add", tab: this.#tab, subscription });
    }
    this.#updateStatus();
    return () => {
      if (!this.#subscriptions.delete(id)) return;
      this.#post({ kind: "remove", tab: this.#tab, ids: [id] });
      this.#updateStatus();
    };
  }

  reconnect(): void {
    this.#post({ kind: "reconnect" });
  }

  /** The host renews its own token. */
  renew(): void {}

  wake(): void {
    this.#post({ kind: "wake" });
    this.#probe();
  }

  close(): void {
    if (this.#status === "closed") return;
    this.#post({ kind: "remove", tab: this.#tab, ids: [...this.#subscriptions.keys()] });
    this.#subscriptions.clear();
    this.#hostStatus = "closed";
    this.#updateStatus();
    clearInterval(this.#timer);
    this.#channel.close();
    globalThis.document?.removeEventListener("freeze", this.#onFreeze);
    globalThis.document?.removeEventListener("resume", this.#onResume);
    this.#waiting?.abort();
    this.#endHost();
    this.#endTab();
  }

  #post(message: TabMessage): void {
    const posted: Posted = { toHost: message };
    if (this.#status !== "closed") this.#channel.postMessage(posted);
  }

  /** The browser stops the timers and the stream of a page that it freezes, so another tab must be the host. */
  readonly #onFreeze = (): void => {
    this.#isFrozen = true;
    this.#waiting?.abort();
    this.#endHost();
  };

  readonly #onResume = (): void => {
    this.#isFrozen = false;
    void this.#waitForHost();
  };

  /** Notes that all messages up to the last event have been received: a host may send some of them again. */
  #markReceived(): void {
    const position = positionOf(this.#cursor) ?? 0;
    for (const subscription of this.#subscriptions.values()) {
      if (subscription.hasBegun) subscription.newest = Math.max(subscription.newest, position);
    }
  }

  #sayHello(): void {
    this.#markReceived();
    const subscriptions: TabSubscription[] = [...this.#subscriptions].map(
      ([id, { topic, options, hasBegun }]) => ({ id, topic, options, hasBegun }),
    );
    this.#post({ kind: "hello", tab: this.#tab, cursor: this.#cursor, subscriptions });
  }

  #startWorker(): void {
    try {
      const worker = new SharedWorker(new URL("./shared-worker.js", import.meta.url), {
        type: "module",
        name: JSON.stringify(this.#settings),
      });
      worker.onerror = () => void this.#waitForHost();
      setTimeout(() => void this.#waitForHost(), WORKER_TIME);
    } catch {
      void this.#waitForHost(); // The script is from another origin, or the policy of the page forbids workers.
    }
  }

  /** Becomes the host as soon as there is no other. @param steal Takes the place of a host that does not answer. */
  async #waitForHost(steal = false): Promise<void> {
    if (this.#status === "closed" || this.#isFrozen) return;
    if (this.#waiting !== undefined && !steal) return;
    this.#waiting?.abort();
    const waiting = new AbortController();
    this.#waiting = waiting;
    const options = steal ? { steal } : { signal: waiting.signal };
    try {
      await navigator.locks.request(hostLock(this.#settings.channel), options, async () => {
        if (this.#status === "closed" || this.#isFrozen) return;
        this.#host = new Host(this.#settings, this.#parts);
        await new Promise<void>((resolve) => {
          this.#endHost = resolve;
        });
      });
    } catch (error) {
      // Otherwise another tab has stolen the lock, because this tab was frozen.
      if ((error as Error).name !== "AbortError") return;
    } finally {
      if (this.#waiting === waiting) {
        this.#host?.close();
        this.#host = undefined;
        this.#waiting = undefined;
      }
    }
    void this.#waitForHost();
  }

  /** Takes the place of a host that does not answer: a tab that the browser has frozen. */
  #probe(): void {
    const isHidden = globalThis.document?.hidden === true;
    if (isHidden || this.#host !== undefined || this.#waiting === undefined) return;
    const probedAt = Date.now();
    this.#post({ kind: "probe" });
    setTimeout(() => {
      if (this.#lastHeardAt < probedAt && this.#host === undefined) void this.#waitForHost(true);
    }, PROBE_TIME);
  }

  #updateStatus(): void {
    const isIdle = this.#subscriptions.size === 0 && this.#hostStatus !== "closed";
    // The host has no subscriptions yet, or is between two tabs.
    const current = this.#hostStatus === "idle" ? "connecting" : this.#hostStatus;
    const status = isIdle ? "idle" : current;
    if (status === this.#status) return;
    this.#status = status;
    this.#listener.onStatus(status, status === "connected" ? this.#clientId : undefined);
  }

  #onMessage(message: HostMessage): void {
    this.#lastHeardAt = Date.now();
    if (message.kind === "event") this.#onEvent(message);
    else if (message.kind === "progress") {
      this.#cursor = message.cursor;
      for (const id of message.begun) {
        const subscription = this.#subscriptions.get(id);
        if (subscription !== undefined) subscription.hasBegun = true;
      }
    } else if (message.kind === "status") {
      this.#clientId = message.clientId;
      this.#hostStatus = message.status;
      this.#updateStatus();
      void this.#waitForHost();
    } else if (message.kind === "host") this.#sayHello();
    else if (message.kind === "rewind") this.#markReceived();
    else if (message.kind === "gap") {
      for (const subscription of this.#subscriptions.values()) subscription.newest = 0;
      this.#listener.onGap();
    } else if (message.kind === "error") {
      const { message: text, status, topic, data } = message;
      this.#listener.onError(createError(text, { status, data, ...(topic && { topic }) }));
    } else if (message.kind === "ask") void this.#sendToken(message.ask);
  }

  #onEvent({ ids, data, eventId }: Extract<HostMessage, { kind: "event" }>): void {
    if (eventId !== "") this.#cursor = eventId;
    const number = messageOf(eventId);
    for (const id of ids) {
      const subscription = this.#subscriptions.get(id);
      if (subscription === undefined) continue;
      subscription.hasBegun = true;
      if (number !== undefined) {
        if (number <= subscription.newest) continue;
        subscription.newest = number;
      }
      subscription.onEvent(data, eventId);
    }
  }

  async #sendToken(ask: string): Promise<void> {
    try {
      this.#token.forget();
      const token = await this.#token.get();
      this.#post({ kind: "token", ask, ...(token ? { token } : {}) });
    } catch (error) {
      this.#post({ kind: "token", ask, error: String(error) });
    }
  }
}
