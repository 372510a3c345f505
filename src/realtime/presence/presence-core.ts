import { nanoid } from "nanoid";
import type { Client } from "../clients/client.ts";
import { RealtimeError } from "../errors.ts";
import type { MessageContents } from "../records/message-contents.ts";
import { ReplayMatcher } from "../replay/replay-matcher.ts";
import { eventNameOf, topicOf } from "../subscriptions/subscription-key.ts";
import { TopicRules } from "../topic-rules.ts";
import type { Logger } from "../types.ts";
import type { Milliseconds } from "../units.ts";
import {
  canHaveMembers,
  DEFAULT_PRESENCE_GRACE,
  MAX_INFO,
  type MemberInfo,
  type MembersEvent,
  type PresenceStore,
  presenceTopicOf,
  watchedTopicOf,
} from "./presence.ts";
import { splitMembers } from "./presence-messages.ts";
import { PresenceTracker } from "./presence-tracker.ts";

/** Options of presence. */
export interface PresenceOptions {
  /** Topic rules: topics with `presence` have members, and the rule of `$presence/<topic>` may make them public. */
  readonly topics?: TopicRules | undefined;
  /** Time after which a member or guest without a stream leaves. Default `DEFAULT_PRESENCE_GRACE`. */
  readonly grace?: Milliseconds | undefined;
  /** Whether the first and the last stream of every topic is reported. Default false. */
  readonly tracksOccupancy?: boolean | undefined;
}

/** What presence needs from the manager. */
export interface PresenceHost {
  readonly contents: MessageContents;
  readonly logger: Logger | undefined;
  readonly now: () => number;
  readonly liveCursor: () => string;
  readonly isConnected: (client: Client) => boolean;
  readonly keysOf: (client: Client) => readonly string[];
  /** Sends an event to one client. */
  readonly send: (client: Client, event: string, data: string) => void;
}

/** The presence of one manager: follows its clients, reports to the store, and sends members to new subscribers. */
export class Presence {
  readonly rules: TopicRules;
  readonly tracker: PresenceTracker<Client>;
  readonly grace: Milliseconds;
  readonly #host: PresenceHost;
  /** By client, the keys for which the client must be sent members when it is live. */
  readonly #waiting = new Map<Client, ReadonlySet<string>>();
  #store: PresenceStore | undefined;
  #onDue: (() => void) | undefined;

  constructor(options: PresenceOptions, host: PresenceHost) {
    const { topics = new TopicRules(), grace = DEFAULT_PRESENCE_GRACE, tracksOccupancy } = options;
    this.rules = topics;
    this.grace = grace;
    this.#host = host;
    this.tracker = new PresenceTracker({
      hasPresence: (topic) => this.hasPresence(topic),
      tracksOccupancy: tracksOccupancy ?? false,
      grace,
      now: host.now,
      onDue: () => this.#onDue?.(),
    });
  }

  /** @param onDue Called when `tracker.nextDue` has become earlier. */
  connect(store: PresenceStore, onDue?: () => void): void {
    this.#store = store;
    this.#onDue = onDue;
  }

  hasPresence(topic: string): boolean {
    return canHaveMembers(topic) && this.rules.ruleOf(topic)?.presence === true;
  }

  /** When `flush` must be called next, in milliseconds since 1970. Undefined while there is nothing to report, or no store. */
  get nextDue(): number | undefined {
    return this.#store && this.tracker.nextDue;
  }

  /** Sends the reports that are due to the store. */
  flush(): void {
    if (this.#store === undefined) return;
    const reports = this.tracker.takeReports();
    if (reports.length === 0) return;
    const onFailure = (error: unknown) => {
      this.#host.logger?.warn("presence can't be reported", { error: String(error) });
      this.tracker.repeat(reports.map(({ topic }) => topic));
    };
    this.#store.report(reports).catch(onFailure);
  }

  /**
   * Must be called before the replay of a client with new keys or rights starts.
   *
   * @param keys The keys that are new, or to which the client has new rights.
   */
  awaitMembers(client: Client, keys: readonly string[]): void {
    const watched = keys.filter((key) => this.#watchedTopic(key) !== undefined);
    const earlier = this.#waiting.get(client) ?? [];
    const all = new Set([...earlier, ...watched]);
    if (all.size > 0) this.#waiting.set(client, all);
  }

  /** Returns the keys for which a client still waits for members. A hub stores them for its next wake. */
  waitingKeysOf(client: Client): readonly string[] {
    return [...(this.#waiting.get(client) ?? [])];
  }

  /** Must be called when a client is live: sends the members for which it waits. */
  onLive(client: Client): void {
    const keys = this.#waiting.get(client);
    if (keys === undefined) return;
    this.#waiting.delete(client);
    for (const key of keys) {
      const topic = this.#watchedTopic(key);
      if (topic === undefined) continue;
      this.#store?.withMembers(topic, (members) => this.#sendMembers(client, key, topic, members));
    }
  }

  /** `PresenceSupport.resend`. Goes through all clients. */
  resend(clients: Iterable<Client>, topic?: string): void {
    for (const client of clients) {
      const keys = this.#host.keysOf(client).filter((key) => {
        const watched = this.#watchedTopic(key);
        return watched !== undefined && watched === (topic ?? watched);
      });
      if (keys.length === 0) continue;
      this.awaitMembers(client, keys);
      if (client.replay === undefined) this.onLive(client);
    }
  }

  /** Must be called when a client has left. */
  remove(client: Client): void {
    this.#waiting.delete(client);
    this.tracker.update(client, []);
  }

  /** `PresenceSupport.extendInfo`. */
  extendInfo(client: Client, topic: string, added: MemberInfo): void {
    const claimed = Object.keys(added).find((name) => Object.hasOwn(client.info ?? {}, name));
    if (claimed !== undefined) {
      throw new RealtimeError(
        "invalid_input",
        `info.${claimed} is set by your token, and can't be changed here. Send other fields.`,
      );
    }
    if (new TextEncoder().encode(JSON.stringify(added)).length > MAX_INFO) {
      throw new RealtimeError("invalid_input", `info must have at most ${MAX_INFO} bytes as JSON.`);
    }
    if (this.tracker.extend(client, topic, added)) return;
    throw new RealtimeError(
      "not_allowed",
      `The client is not a member of ${JSON.stringify(topic)}. Sign in, subscribe to the topic, and check that its topic rule has "presence": true.`,
    );
  }

  #watchedTopic(key: string): string | undefined {
    const topic = watchedTopicOf(topicOf(key));
    return topic !== undefined && this.hasPresence(topic) ? topic : undefined;
  }

  #sendMembers(client: Client, key: string, topic: string, members: MembersEvent): void {
    const { contents, now, liveCursor, isConnected, keysOf, send } = this.#host;
    if (!isConnected(client) || !keysOf(client).includes(key)) return;
    // A client with a replay gets the members when it is live again.
    if (client.replay !== undefined) {
      this.awaitMembers(client, [key]);
      return;
    }
    const presenceTopic = presenceTopicOf(topic);
    const { private: isPrivate = true } = this.rules.ruleOf(presenceTopic) ?? {};
    const matcher = new ReplayMatcher([key], client, contents);
    for (const data of splitMembers(members)) {
      const message = { id: nanoid(), topics: [presenceTopic], data, private: isPrivate };
      const entry = { cursor: liveCursor(), at: now(), message };
      const matches = matcher.matchesOf(entry, () => contents.of(entry));
      for (const match of matches) send(client, eventNameOf(key), match.data);
    }
  }
}
