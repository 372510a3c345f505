import type { MessageLog } from "../../log/log.ts";
import { MembersTable } from "../../realtime/presence/members-table.ts";
import type {
  MembersEvent,
  PresenceCounts,
  TopicReport,
} from "../../realtime/presence/presence.ts";
import { createPresenceMessages } from "../../realtime/presence/presence-messages.ts";
import type { PresenceSupport } from "../../realtime/presence/presence-support.ts";
import type { OccupancyListener } from "../registry.ts";
import type { MembersStore } from "./members.ts";

/** Name of the only source of members. */
const SOURCE = "";

/** Presence in one process: the members are in memory, and their changes are appended to the log. */
export class LocalPresence implements MembersStore {
  readonly #log: MessageLog;
  readonly #support: PresenceSupport;
  readonly #onOccupancy: OccupancyListener | undefined;
  readonly #table = new MembersTable();

  constructor(log: MessageLog, support: PresenceSupport, onOccupancy?: OccupancyListener) {
    this.#log = log;
    this.#support = support;
    this.#onOccupancy = onOccupancy;
  }

  async report(reports: readonly TopicReport[]): Promise<void> {
    const outcomes = reports.map((report) => this.#table.apply(SOURCE, report));
    const { rules, hasPresence } = this.#support;
    // Of the other topics, only the occupancy is reported.
    const messages = outcomes
      .filter(({ topic }) => hasPresence(topic))
      .flatMap((outcome) => createPresenceMessages(outcome, rules));
    for (const { topic, occupancy } of outcomes) {
      if (occupancy !== undefined) this.#onOccupancy?.(topic, occupancy);
    }
    try {
      if (messages.length > 0) await this.#log.append(messages, {});
    } catch (error) {
      for (const { topic } of reports) this.#table.restate(topic);
      throw error;
    }
  }

  /** The table is never behind the log, because it changes before the log does. */
  withMembers(topic: string, send: (members: MembersEvent) => void): void {
    send(this.#table.membersOf(topic));
  }

  /** Returns the numbers of members and guests, in the order of the topics. */
  countsOf(topics: readonly string[]): PresenceCounts[] {
    return topics.map((topic) => this.#table.countsOf(topic));
  }

  /** All members of a topic. */
  async membersOf(topic: string): Promise<MembersEvent> {
    return this.#table.membersOf(topic);
  }
}
