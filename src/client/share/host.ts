import type { KeyOptions } from "../key.ts";
import { createSend } from "../requests.ts";
import { createStream } from "../stream.ts";
import type { OnEvent, Stream, StreamSettings } from "../stream-types.ts";
import { createTokenStore, type TokenStore } from "../token.ts";
import {
  earlier,
  type HostMessage,
  type HostSettings,
  type Posted,
  type TabMessage,
  type TabSubscription,
  tabLock,
} from "./messages.ts";
import { TokenAsker } from "./token-asker.ts";

/** The longest time that a new host waits for the messages `hello` of the tabs, in milliseconds. */
const HELLO_TIME = 300;

type Hello = Extract<TabMessage, { kind: "hello" }>;

/** Subscriptions of tabs with the same topic and options. They share one subscription of the stream. */
interface Group {
  readonly ids: Set<string>;
  /** The listener of the group at the stream. */
  readonly onEvent: OnEvent;
  readonly end: () => void;
  /** Whether it begins with messages of the history (`last`) or with a list of members. */
  readonly begins: boolean;
  isAccepted: boolean;
  hasBegun: boolean;
}

/** The functions of the runtime that options of `connect` may replace. */
export type HostParts = Pick<StreamSettings, "EventSource"> & {
  readonly fetch: Parameters<typeof createSend>[1];
};

/** The host of a shared stream. It runs in a SharedWorker, or in one of the tabs. */
export class Host {
  readonly #settings: HostSettings;
  readonly #channel: BroadcastChannel;
  readonly #stream: Stream;
  readonly #token: TokenStore;
  readonly #groups = new Map<string, Group>();
  /** The key in `#groups` of each subscription. */
  readonly #groupOf = new Map<string, string>();
  readonly #tabs = new Map<string, Set<string>>();
  readonly #asker = new TokenAsker((ask) => this.#post({ kind: "ask", ask }));
  readonly #ending = new AbortController();
  /** The messages `hello` that have arrived. Undefined once the stream has started. */
  #hellos: Hello[] | undefined = [];
  /** Names of the locks of the tabs that have not sent `hello` yet. */
  #expected = new Set<string>();

  constructor(settings: HostSettings, { EventSource, fetch }: HostParts) {
    const { api, channel, withCredentials } = settings;
    this.#settings = settings;
    this.#channel = new BroadcastChannel(channel);
    const send = createSend(api, fetch, withCredentials ? "include" : "same-origin");
    this.#token = createTokenStore(
      () => this.#asker.ask(),
      () => this.#stream.renew(),
    );
    const parts = { api, withCredentials, EventSource, send, token: this.#token };
    this.#stream = createStream(parts, {
      onStatus: () => this.#postStatus(),
      onGap: () => this.#post({ kind: "gap" }),
      onError: ({ message, status, topic, data }, refused) => {
        const ids = refused && this.#endRefused(refused);
        this.#post({ kind: "error", message, status, topic, data, ids });
      },
      onProgress: (hasAll) => {
        this.#mark(hasAll);
        this.#postProgress();
      },
    });
    this.#channel.onmessage = ({ data }: MessageEvent<Posted>) => {
      if ("toHost" in data) this.#onMessage(data.toHost);
    };
    void this.#awaitHellos();
  }

  /** Asks all tabs for their positions. The tabs may have received different messages from an earlier host. */
  async #awaitHellos(): Promise<void> {
    const { held = [] } = await navigator.locks.query();
    const prefix = tabLock(this.#settings.channel, "");
    for (const { name = "" } of held) if (name.startsWith(prefix)) this.#expected.add(name);
    this.#post({ kind: "host" });
    setTimeout(() => this.#begin(), HELLO_TIME);
  }

  close(): void {
    this.#ending.abort();
    this.#channel.close();
    this.#token.forget();
    this.#stream.close();
  }

  #post(message: HostMessage): void {
    const posted: Posted = { toTabs: message };
    if (!this.#ending.signal.aborted) this.#channel.postMessage(posted);
  }

  #postStatus(): void {
    const { status, clientId } = this.#stream;
    this.#post({ kind: "status", status, clientId });
  }

  #onMessage(message: TabMessage): void {
    if (message.kind === "hello") this.#onHello(message);
    else if (message.kind === "add") this.#onAdd(message);
    else if (message.kind === "remove") this.#remove(message.tab, message.ids);
    else if (message.kind === "wake") this.#stream.wake();
    else if (message.kind === "probe") this.#postStatus();
    else if (message.kind === "token") this.#asker.onAnswer(message);
    else if (message.kind === "reconnect") {
      this.#token.forget();
      this.#stream.reconnect();
    }
  }

  #onAdd({ tab, subscription }: Extract<TabMessage, { kind: "add" }>): void {
    const hello: Hello = { kind: "hello", tab, cursor: "", subscriptions: [subscription] };
    if (this.#hellos === undefined) this.#takeOver([hello]);
    else this.#hellos.push(hello);
  }

  #onHello(hello: Hello): void {
    this.#postStatus();
    if (this.#hellos === undefined) {
      // A new tab, or a tab that was frozen while the host changed.
      this.#takeOver([hello]);
      return;
    }
    this.#hellos.push(hello);
    this.#expected.delete(tabLock(this.#settings.channel, hello.tab));
    if (this.#expected.size === 0) this.#begin();
  }

  #begin(): void {
    const hellos = this.#hellos;
    this.#hellos = undefined;
    if (hellos !== undefined && !this.#ending.signal.aborted) this.#takeOver(hellos);
  }

  /** Adds the subscriptions of tabs. If some have begun at an earlier host, the stream goes back to the earliest position of their tabs. */
  #takeOver(hellos: readonly Hello[]): void {
    let start: string | undefined;
    for (const { tab, cursor, subscriptions } of hellos) {
      const added = subscriptions.filter((subscription) => this.#add(tab, subscription));
      if (added.some(({ hasBegun }) => hasBegun)) start = earlier(start ?? cursor, cursor);
    }
    if (start !== undefined) {
      // Before the new position: the tabs first mark the messages that they have received.
      this.#post({ kind: "rewind" });
      this.#stream.rewind(earlier(this.#stream.cursor || start, start));
    }
    // A new subscription may belong to a group that has already begun.
    this.#postProgress();
  }

  /** @returns whether the subscription is new. */
  #add(tab: string, { id, topic, options, hasBegun }: TabSubscription): boolean {
    if (this.#groupOf.has(id)) return false;
    this.#watch(tab).add(id);
    const begins = !hasBegun && (Number(options.last) > 0 || topic.startsWith("$presence/"));
    const key = begins ? id : JSON.stringify([topic, options]);
    const group = this.#groups.get(key) ?? this.#createGroup(topic, options, begins, hasBegun);
    group.ids.add(id);
    this.#groups.set(key, group);
    this.#groupOf.set(id, key);
    return true;
  }

  #createGroup(topic: string, options: KeyOptions, begins: boolean, hasBegun: boolean): Group {
    const ids = new Set<string>();
    const onEvent: OnEvent = (data, eventId) => {
      group.hasBegun = true;
      this.#post({ kind: "event", ids: [...ids], data, eventId });
    };
    const end = this.#stream.add(topic, options, onEvent, hasBegun);
    const group: Group = { ids, onEvent, end, begins, isAccepted: hasBegun, hasBegun };
    return group;
  }

  #remove(tab: string, ids: Iterable<string>): void {
    // `hello` of the tab may still be waiting. Its subscriptions must be added before they can be removed.
    this.#begin();
    for (const id of ids) {
      this.#tabs.get(tab)?.delete(id);
      const key = this.#groupOf.get(id) ?? "";
      const group = this.#groups.get(key);
      this.#groupOf.delete(id);
      group?.ids.delete(id);
      if (group?.ids.size === 0) this.#endGroup(key);
    }
  }

  #endGroup(key: string): void {
    const group = this.#groups.get(key);
    this.#groups.delete(key);
    for (const id of group?.ids ?? []) this.#groupOf.delete(id);
    group?.end();
  }

  /** Ends the groups that the service refuses. @returns the ids of their subscriptions. */
  #endRefused(refused: ReadonlySet<OnEvent>): string[] {
    const groups = [...this.#groups].filter(([, { onEvent }]) => refused.has(onEvent));
    for (const [key] of groups) this.#endGroup(key);
    return groups.flatMap(([, { ids }]) => [...ids]);
  }

  /** Returns the ids of a tab's subscriptions. Removes the subscriptions when the tab is gone. */
  #watch(tab: string): Set<string> {
    const known = this.#tabs.get(tab);
    if (known !== undefined) return known;
    const ids = new Set<string>();
    this.#tabs.set(tab, ids);
    const { signal } = this.#ending;
    // The tab holds this lock. The callback runs when the tab has released it.
    navigator.locks
      .request(tabLock(this.#settings.channel, tab), { signal }, () => {
        this.#tabs.delete(tab);
        this.#remove(tab, [...ids]);
      })
      .catch(() => {}); // The host has ended.
    return ids;
  }

  /**
   * Updates the progress of the groups.
   *
   * @param hasAll Whether the service has accepted all subscriptions. Otherwise an event of the service has arrived.
   */
  #mark(hasAll: boolean): void {
    for (const group of this.#groups.values()) {
      // The messages or members that a subscription begins with arrive before an event of the service.
      group.hasBegun ||= group.isAccepted || (hasAll && !group.begins);
      group.isAccepted ||= hasAll;
    }
  }

  #postProgress(): void {
    const begun = [...this.#groups.values()].filter(({ hasBegun }) => hasBegun);
    const ids = begun.flatMap((group) => [...group.ids]);
    this.#post({ kind: "progress", cursor: this.#stream.cursor, begun: ids });
  }
}
