import type { KeyOptions } from "../key.ts";
import { createError } from "../requests.ts";
import type { OnEvent, StreamLike, StreamListener, StreamSettings } from "../stream-types.ts";
import type { Status } from "../types.ts";
import type { HostParts } from "./host.ts";
import { HostCandidate } from "./host-candidate.ts";
import {
  type HostMessage,
  type HostSettings,
  messageOf,
  type Posted,
  positionOf,
  type TabMessage,
  type TabSubscription,
  tabLock,
} from "./messages.ts";

interface Subscription {
  readonly topic: string;
  readonly options: KeyOptions;
  readonly onEvent: OnEvent;
  hasBegun: boolean;
  /** Number of the newest message that this subscription has received. */
  newest: number;
}

/** The shared stream, as one tab sees it: passes subscriptions to the host, and events to listeners. */
export class SharedStream implements StreamLike {
  readonly #tab: string = crypto.randomUUID();
  readonly #token: StreamSettings["token"];
  readonly #listener: StreamListener;
  readonly #channel: BroadcastChannel;
  readonly #subscriptions = new Map<string, Subscription>();
  readonly #candidate: HostCandidate;
  #lastId = 0;
  /** The id of the last event that any tab has received. */
  #cursor = "";
  /** Whether the host has the subscriptions of this tab. Before, its messages don't say how far this tab is. */
  #isKnown = false;
  #hostStatus: Status = "connecting";
  #status: Status = "idle";
  #clientId: string | undefined;
  /** Whether this tab holds its lock. A host removes the subscriptions of a tab without a lock. */
  #isPresent = false;
  /** Releases the lock of the tab. */
  #endTab = (): void => {};

  /** @param withWorker Whether a SharedWorker may hold the stream. It can't use the functions of `parts`. */
  constructor(
    settings: HostSettings,
    parts: HostParts,
    token: StreamSettings["token"],
    listener: StreamListener,
    withWorker: boolean,
  ) {
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
    const probe = () => this.#post({ kind: "probe" });
    this.#candidate = new HostCandidate(settings, parts, withWorker, probe);
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
    this.#candidate.check();
  }

  close(): void {
    if (this.#status === "closed") return;
    this.#post({ kind: "remove", tab: this.#tab, ids: [...this.#subscriptions.keys()] });
    this.#subscriptions.clear();
    this.#hostStatus = "closed";
    this.#updateStatus();
    this.#channel.close();
    this.#candidate.close();
    this.#endTab();
  }

  #post(message: TabMessage): void {
    const posted: Posted = { toHost: message };
    if (this.#status !== "closed") this.#channel.postMessage(posted);
  }

  /** Marks all messages up to the last event as received, because a host may send some of them again. */
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

  #updateStatus(): void {
    const isIdle = this.#subscriptions.size === 0 && this.#hostStatus !== "closed";
    // The host has not received the subscriptions of this tab yet.
    const current = this.#hostStatus === "idle" ? "connecting" : this.#hostStatus;
    const status = isIdle ? "idle" : current;
    if (status === this.#status) return;
    this.#status = status;
    this.#listener.onStatus(status, status === "connected" ? this.#clientId : undefined);
  }

  #onMessage(message: HostMessage): void {
    this.#candidate.onHost();
    if (message.kind === "event") this.#onEvent(message);
    else if (message.kind === "progress") {
      for (const id of message.begun) {
        const subscription = this.#subscriptions.get(id);
        if (subscription === undefined) continue;
        subscription.hasBegun = true;
        this.#isKnown = true;
      }
      if (this.#isKnown) this.#cursor = message.cursor;
    } else if (message.kind === "status") {
      this.#clientId = message.clientId;
      this.#hostStatus = message.status;
      this.#updateStatus();
    } else if (message.kind === "host") {
      this.#isKnown = false;
      this.#sayHello();
    } else if (message.kind === "rewind") this.#markReceived();
    else if (message.kind === "gap") {
      for (const subscription of this.#subscriptions.values()) subscription.newest = 0;
      this.#listener.onGap();
    } else if (message.kind === "error") {
      const { message: text, status, topic, data, ids } = message;
      // Another tab's subscription is not this tab's error.
      const refused = ids?.filter((id) => this.#subscriptions.delete(id));
      if (refused?.length === 0) return;
      this.#updateStatus();
      this.#listener.onError(createError(text, { status, data, ...(topic && { topic }) }));
    } else if (message.kind === "ask") void this.#sendToken(message.ask);
  }

  #onEvent({ ids, data, eventId }: Extract<HostMessage, { kind: "event" }>): void {
    this.#isKnown ||= ids.some((id) => this.#subscriptions.has(id));
    if (this.#isKnown && eventId !== "") this.#cursor = eventId;
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
