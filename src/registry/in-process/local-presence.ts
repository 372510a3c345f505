import type { MessageLog } from "../../log/log.ts";
import { MembersTable } from "../../realtime/presence/members-table.ts";
import type {
  MembersEvent,
  PresenceCounts,
  TopicReport,
} from "../../realtime/presence/presence.ts";
import { createPresenceMessages } from "../../realtime/presence/presence-messages.ts";
import type { TopicRules } from "../../realtime/topic-rules.ts";
import type { OccupancyListener } from "../registry.ts";
import type { MembersStore } from "./members.ts";

/** Name of the only source of members. */
const SOURCE = "";

/** Presence in one process: the members are in memory, and their changes are appended to the log. */
export class LocalPresence implements MembersStore {
  readonly #log: MessageLog;
  readonly #rules: TopicRules;
  readonly #onOccupancy: OccupancyListener | undefined;
  readonly #table = new MembersTable();

  constructor(log: MessageLog, rules: TopicRules, onOccupancy?: OccupancyListener) {
    this.#log = log;
    this.#rules = rules;
    this.#onOccupancy = onOccupancy;
  }

  async report(reports: readonly TopicReport[]): Promise<void> {
    const outcomes = reports.map((report) => this.#table.apply(SOURCE, report));
    const messages = outcomes.flatMap((outcome) => createPresenceMessages(outcome, this.#rules));
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

  /** The numbers of topics, in their order. */
  countsOf(topics: readonly string[]): PresenceCounts[] {
    return topics.map((topic) => this.#table.countsOf(topic));
  }

  /** All members of a topic. */
  async membersOf(topic: string): Promise<MembersEvent> {
    return this.#table.membersOf(topic);
  }
}
