import { nanoid } from "nanoid";
import type { MessageLog } from "../../log/log.ts";
import type { PresenceCall, PresencePart, SharedPresence } from "../../log/shared-presence.ts";
import {
  type MembersEvent,
  type PresenceCounts,
  presenceTopicOf,
  type TopicReport,
} from "../../realtime/presence/presence.ts";
import type { PresenceSupport } from "../../realtime/presence/presence-support.ts";
import { settledWithin } from "../../realtime/settled-within.ts";
import type { Logger } from "../../realtime/types.ts";
import type { Milliseconds } from "../../realtime/units.ts";
import type { MembersStore } from "../in-process/members.ts";
import type { OccupancyListener } from "../registry.ts";
import { MembersLoader } from "./members-loader.ts";
import { PresenceLease } from "./presence-lease.ts";
import { continueRemoval, takeParts, toParts } from "./presence-parts.ts";

/** Minimum lease of a source. A process may lose its connection to Redis for some seconds. */
const MIN_LEASE: Milliseconds = 3000;

/**
 * Time after a loss of data until the members are sent again to all subscribers. Within this time, the other processes have usually
 * noticed the loss and reported their members.
 */
const RESEND_DELAY: Milliseconds = 2000;

/** Time that a process that stops waits for Redis. */
const CLOSE_TIMEOUT: Milliseconds = 1000;

/** Options of `ClusterPresence`. */
export interface ClusterPresenceOptions {
  readonly log: MessageLog;
  readonly shared: SharedPresence;
  readonly support: PresenceSupport;
  /** Name of this process. */
  readonly home: string;
  readonly onOccupancy: OccupancyListener | undefined;
  readonly logger: Logger | undefined;
}

/** The members that this process reports, under one name. */
interface Source {
  readonly name: string;
  /** Whether the shared store has registered the source. */
  isKnown: boolean;
  /** Number of the last call. */
  calls: number;
  /** The last call, while it has no answer. It is sent again before the next call, because it may not have been applied. */
  unanswered: PresenceCall | undefined;
}

/** Presence over several processes. The members are in a store that the processes share, which also appends their changes to the log. */
export class ClusterPresence implements MembersStore {
  readonly #options: ClusterPresenceOptions;
  readonly #loader: MembersLoader;
  readonly #leaseTime: Milliseconds;
  readonly #lease: PresenceLease;
  readonly #stopTail: () => void;
  #source: Source;
  /** Settles when all reports so far have been sent. Reports are sent one after another. */
  #reporting: Promise<unknown> = Promise.resolve();
  #resendTimer: ReturnType<typeof setTimeout> | undefined;
  #isClosed = false;

  constructor(options: ClusterPresenceOptions) {
    const { log, shared, support, logger } = options;
    this.#options = options;
    this.#source = newSource(options.home);
    this.#leaseTime = Math.max(support.grace, MIN_LEASE);
    this.#loader = new MembersLoader((topic) => shared.read(topic), logger);
    this.#stopTail = log.tail(
      (entries) => {
        // The erased messages may include events of members.
        if (entries.some(({ message }) => message.topics.length === 0)) this.#reload();
        this.#loader.receive(entries);
      },
      () => this.#onGap(),
    );
    this.#lease = new PresenceLease({
      leaseTime: this.#leaseTime,
      renew: () => this.#renew(),
      remove: (name) => this.#removeSource(name),
      logger,
    });
  }

  report(reports: readonly TopicReport[]): Promise<void> {
    if (this.#isClosed) return Promise.resolve();
    const result = this.#reporting.then(() => this.#report(reports));
    this.#reporting = result.catch(() => undefined);
    return result;
  }

  withMembers(topic: string, send: (members: MembersEvent) => void): void {
    this.#loader.request(topic, send);
  }

  async membersOf(topic: string): Promise<MembersEvent> {
    return (await this.#options.shared.read(topic)).members;
  }

  /** The numbers over all processes, in one call. */
  countsOf(topics: readonly string[]): Promise<readonly PresenceCounts[]> {
    return this.#options.shared.count(topics);
  }

  /** The members of this process stay for the grace, so that the clients can connect to another process. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#resendTimer);
    this.#stopTail();
    this.#loader.stop();
    this.#lease.stop();
    // Renews the lease, so that the members stay for the whole grace.
    await settledWithin(
      this.#renew().catch(() => undefined),
      CLOSE_TIMEOUT,
    );
  }

  async #report(reports: readonly TopicReport[]): Promise<void> {
    const source = this.#source;
    if (!(await this.#repeatUnanswered(source))) return;
    const { support } = this.#options;
    const nextCall = source.calls + 1;
    const parts = reports.flatMap((report) => {
      const hasPresence = support.hasPresence(report.topic);
      return toParts(report, { hasPresence, nextCall, message: this.#messageOf(report.topic) });
    });
    while (parts.length > 0) {
      source.calls += 1;
      const taken = takeParts(parts);
      const more = await this.#send(source, this.#createCall(source, taken));
      if (more === undefined) return;
      parts.unshift(...more);
    }
  }

  /** Returns false if the source is not known any more. */
  async #repeatUnanswered(source: Source): Promise<boolean> {
    const call = source.unanswered;
    return call === undefined || (await this.#send(source, call)) !== undefined;
  }

  #createCall({ name, isKnown, calls }: Source, parts: readonly PresencePart[]): PresenceCall {
    const kind = isKnown ? "next" : "first";
    return { source: name, kind, number: calls, lease: this.#leaseTime, parts };
  }

  /** Sends a call of this process. Returns the parts that must follow. Undefined if the source is not known any more. */
  async #send(source: Source, call: PresenceCall): Promise<PresencePart[] | undefined> {
    source.unanswered = call;
    const more = await this.#apply(call);
    source.unanswered = undefined;
    if (more === undefined) this.#replaceSource(source);
    else source.isKnown = true;
    return more;
  }

  async #apply(call: PresenceCall): Promise<PresencePart[] | undefined> {
    const { shared, onOccupancy } = this.#options;
    const outcomes = await shared.apply(call);
    return outcomes?.flatMap(({ occupancy, cursor }, index) => {
      const part = call.parts[index];
      if (part === undefined) return [];
      if (occupancy !== undefined) onOccupancy?.(part.topic, occupancy);
      return continueRemoval(part, cursor);
    });
  }

  #messageOf(topic: string): PresencePart["message"] {
    const rule = this.#options.support.rules.ruleOf(presenceTopicOf(topic));
    return { private: rule?.private ?? true, ttl: rule?.ttl };
  }

  /** Extends the lease of this process. Undefined if its source is not known any more. */
  async #renew() {
    const source = this.#source;
    const renewal = await this.#options.shared.renew(source.name, this.#leaseTime, !source.isKnown);
    if (renewal === undefined) this.#replaceSource(source);
    else source.isKnown = true;
    return renewal;
  }

  /** Removes the members of a process that is gone. Another process may do so at the same time. */
  async #removeSource(name: string): Promise<void> {
    const removal = { before: Number.MAX_SAFE_INTEGER, cursor: "0" };
    for (;;) {
      const topics = this.#isClosed ? [] : await this.#options.shared.retire(name);
      if (topics.length === 0) return;
      const parts: PresencePart[] = topics.map((topic) => {
        const message = this.#messageOf(topic);
        return { topic, isOccupied: false, guests: 0, present: [], left: [], removal, message };
      });
      while (parts.length > 0) {
        const taken = takeParts(parts);
        const call = { source: name, kind: "removal", number: 0, lease: 0, parts: taken } as const;
        const more = await this.#apply(call);
        if (more === undefined) return;
        parts.unshift(...more);
      }
    }
  }

  /** Reports all members under a new name, because the members under the old name are removed or lost. */
  #replaceSource(source: Source): void {
    if (source !== this.#source || this.#isClosed) return;
    this.#source = newSource(this.#options.home);
    this.#options.support.repeat(undefined, 0);
  }

  /** The log may have lost changes of members, and the store as well. */
  #onGap(): void {
    this.#replaceSource(this.#source);
    this.#reload();
  }

  #reload(): void {
    this.#loader.reload();
    this.#resendTimer ??= setTimeout(() => {
      this.#resendTimer = undefined;
      this.#options.support.resend();
    }, RESEND_DELAY);
  }
}

function newSource(home: string): Source {
  return { name: `${home}.${nanoid(8)}`, isKnown: false, calls: 0, unanswered: undefined };
}
