import { topicOf } from "../subscriptions/subscription-key.ts";
import type { Milliseconds } from "../units.ts";
import { LocalTopic } from "./local-topic.ts";
import {
  canHaveMembers,
  type MemberInfo,
  type ReportedMember,
  type TopicReport,
} from "./presence.ts";

/** Time until a report that has failed is sent again. */
const RETRY_DELAY: Milliseconds = 1000;

/** The properties of a client that presence depends on. */
export interface PresentClient {
  readonly identity: string | undefined;
  /** `Principal.info`. */
  readonly info: MemberInfo | undefined;
  readonly viewer: { readonly isAdmin: boolean };
}

/** Options of `PresenceTracker`. */
export interface TrackerOptions {
  /** Whether a topic has presence. */
  readonly hasPresence: (topic: string) => boolean;
  /** Whether the first and last stream of every topic is reported, also of topics without presence. */
  readonly tracksOccupancy: boolean;
  /** Time after which a member or guest without a stream leaves. */
  readonly grace: Milliseconds;
  /** The wall clock, in milliseconds since 1970. */
  readonly now: () => number;
  /** Called when `nextDue` has become earlier. */
  readonly onDue: () => void;
}

interface TrackedClient {
  readonly identity: string | undefined;
  readonly isAdmin: boolean;
  readonly topics: ReadonlySet<string>;
}

interface Departure {
  readonly at: number;
  readonly topic: string;
  /** Undefined for a guest. */
  readonly id: string | undefined;
}

/** The members and guests that are connected to one manager. It has no timer: `takeReports` must be called at `nextDue`. */
export class PresenceTracker<Client extends PresentClient> {
  readonly #options: TrackerOptions;
  readonly #clients = new Map<Client, TrackedClient>();
  readonly #topics = new Map<string, LocalTopic>();
  /** Topics with something to report. */
  readonly #dirty = new Set<string>();
  #dirtyDue = Number.POSITIVE_INFINITY;
  /** Ends of graces, earliest first: every grace has the same length. */
  readonly #departures: Departure[] = [];

  constructor(options: TrackerOptions) {
    this.#options = options;
  }

  /** When `takeReports` must be called next, in milliseconds since 1970. Undefined while there is nothing to report. */
  get nextDue(): number | undefined {
    const next = Math.min(this.#dirtyDue, this.#departures[0]?.at ?? Number.POSITIVE_INFINITY);
    return next === Number.POSITIVE_INFINITY ? undefined : next;
  }

  /** Must be called after the keys, the identity or the info of a client have changed, and with no keys when it has left. */
  update(client: Client, keys: readonly string[]): void {
    const before = this.#clients.get(client);
    const topics = this.#trackedTopics(keys);
    if (before === undefined && topics.size === 0) return;
    const now = this.#options.now();
    const { identity, viewer } = client;
    const after = { identity, isAdmin: viewer.isAdmin, topics };
    const isSamePerson =
      before !== undefined && before.identity === identity && before.isAdmin === viewer.isAdmin;
    // The new topics are added first, so that a guest that signs in does not vacate the topic.
    for (const topic of topics) {
      if (!isSamePerson || !before.topics.has(topic)) this.#enter(client, topic, now);
      else if (identity !== undefined && !viewer.isAdmin) {
        this.#topics.get(topic)?.changeClaims(identity, client.info ?? {}, now);
        this.#mark(topic);
      }
    }
    for (const topic of before?.topics ?? []) {
      if (isSamePerson && topics.has(topic)) continue;
      this.#leave(before as TrackedClient, topic, topics.has(topic), now);
    }
    if (topics.size === 0) this.#clients.delete(client);
    else this.#clients.set(client, after);
  }

  /** Adds fields to the info of a client in a topic. Returns false if the client is not a member of the topic. */
  extend(client: Client, topic: string, added: MemberInfo): boolean {
    const { identity, isAdmin, topics } = this.#clients.get(client) ?? {};
    if (identity === undefined || isAdmin || !topics?.has(topic)) return false;
    const { now, hasPresence } = this.#options;
    if (!hasPresence(topic) || !this.#topics.get(topic)?.extend(identity, added, now()))
      return false;
    this.#mark(topic);
    return true;
  }

  /**
   * Restores what an earlier manager has reported about a topic. Call it after the clients are restored. Members and guests
   * without a stream leave after the grace.
   */
  restore(topic: string, members: readonly ReportedMember[], guests: number): void {
    const at = this.#options.now() + this.#options.grace;
    const local = this.#localTopic(topic);
    const departures: Departure[] = members
      .filter((member) => local.restore(member, at))
      .map(({ id }) => ({ at, topic, id }));
    for (let gone = local.restoreGuests(guests); gone > 0; gone--) {
      departures.push({ at, topic, id: undefined });
    }
    if (departures.length > 0) this.#departures.push(...departures);
    this.#mark(topic);
  }

  /** Reports topics again, completely, after a report has failed or the store has lost reports. Default: all topics. */
  repeat(topics: Iterable<string> = this.#topics.keys(), delay: Milliseconds = RETRY_DELAY): void {
    const notBefore = this.#options.now() + delay;
    for (const topic of topics) {
      this.#localTopic(topic).repeatAll(notBefore);
      this.#mark(topic);
    }
  }

  /** Returns the reports that are due. */
  takeReports(): readonly TopicReport[] {
    const now = this.#options.now();
    this.#endGraces(now);
    const reports: TopicReport[] = [];
    let due = Number.POSITIVE_INFINITY;
    for (const topic of this.#dirty) {
      const local = this.#localTopic(topic);
      if (isAhead(local.reportsAt, now, RETRY_DELAY)) {
        due = Math.min(due, local.reportsAt);
        continue;
      }
      this.#dirty.delete(topic);
      const report = local.takeReport(now);
      if (report !== undefined) reports.push(report);
      if (local.isEmpty) this.#topics.delete(topic);
    }
    this.#dirtyDue = due;
    return reports;
  }

  #trackedTopics(keys: readonly string[]): ReadonlySet<string> {
    const { hasPresence, tracksOccupancy } = this.#options;
    const topics = keys
      .map(topicOf)
      .filter((topic) => canHaveMembers(topic) && (tracksOccupancy || hasPresence(topic)));
    return new Set(topics);
  }

  #enter({ identity, info, viewer }: Client, topic: string, now: number): void {
    const local = this.#localTopic(topic);
    if (viewer.isAdmin) local.changeAdministrators(1);
    else if (identity === undefined) local.addGuest();
    else local.addMember(identity, info ?? {}, now);
    this.#mark(topic);
  }

  /** @param stays Whether the client stays subscribed, with another identity. */
  #leave({ identity, isAdmin }: TrackedClient, topic: string, stays: boolean, now: number): void {
    const local = this.#localTopic(topic);
    const at = now + this.#options.grace;
    if (isAdmin) local.changeAdministrators(-1);
    else if (identity !== undefined) {
      if (local.removeMember(identity, at)) this.#depart({ at, topic, id: identity });
    } else if (stays) local.dropGuest();
    else {
      local.removeGuest();
      this.#depart({ at, topic, id: undefined });
    }
    this.#mark(topic);
  }

  #depart(departure: Departure): void {
    this.#departures.push(departure);
    if (this.#departures.length === 1) this.#options.onDue();
  }

  #endGraces(now: number): void {
    let count = 0;
    for (const { at, topic, id } of this.#departures) {
      if (isAhead(at, now, this.#options.grace)) break;
      count += 1;
      const local = this.#topics.get(topic);
      if (id === undefined) local?.endGraceOfGuest();
      else local?.endGraceOf(id, at);
      this.#mark(topic);
    }
    this.#departures.splice(0, count);
  }

  #mark(topic: string): void {
    this.#dirty.add(topic);
    const at = this.#localTopic(topic).reportsAt;
    if (at >= this.#dirtyDue) return;
    this.#dirtyDue = at;
    this.#options.onDue();
  }

  #localTopic(topic: string): LocalTopic {
    let local = this.#topics.get(topic);
    if (local === undefined) {
      local = new LocalTopic(topic);
      this.#topics.set(topic, local);
    }
    return local;
  }
}

/** Whether a time is ahead. A time that is too far ahead has come: the clock was set back. */
function isAhead(time: number, now: number, most: Milliseconds): boolean {
  return time > now && time <= now + most;
}
