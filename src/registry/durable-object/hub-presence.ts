import { MembersTable } from "../../realtime/presence/members-table.ts";
import type {
  MembersEvent,
  PresenceCounts,
  TopicReport,
} from "../../realtime/presence/presence.ts";
import { createPresenceMessages } from "../../realtime/presence/presence-messages.ts";
import type { PresenceSupport } from "../../realtime/presence/presence-support.ts";
import type { Message } from "../../realtime/types.ts";
import type { Milliseconds } from "../../realtime/units.ts";
import type { MembersStore } from "../in-process/members.ts";
import type { OccupancyListener } from "../registry.ts";
import { PresenceSender, type PresenceSenderOptions } from "./presence-sender.ts";

/**
 * Maximum time until a hub with members wakes, if there are several shards. A hub that was interrupted then removes the members
 * that have gone from itself and from the other hubs, even if nothing calls it.
 */
const CHECK_INTERVAL: Milliseconds = 600_000;

/** Options of `HubPresence`. */
export interface HubPresenceOptions extends PresenceSenderOptions {
  readonly presence: PresenceSupport;
  /** Appends messages to the hub's log, which delivers them before this function returns. */
  readonly append: (messages: readonly Message[]) => void;
  /** Called when a topic is occupied or vacated on the first or last of all shards. Only shard 0 calls it. */
  readonly onOccupancy: OccupancyListener | undefined;
}

/**
 * Presence on Workers. Each hub is a source and reports to all hubs. Each hub folds the reports of all sources in the order in
 * which they arrive, and appends what they change to its own log. So the subscribers of each hub see one order, and the members of
 * all hubs are the same when no report is on its way.
 */
export class HubPresence implements MembersStore {
  readonly #options: HubPresenceOptions;
  readonly #sender: PresenceSender;
  readonly #table = new MembersTable();
  /** The topics that the table has. The other topics are read from the rows when they are needed. */
  readonly #loaded = new Set<string>();
  /** By source, the number of the last call of `receive`. */
  readonly #received = new Map<number, number>();

  constructor(options: HubPresenceOptions) {
    this.#options = options;
    const { rows, shard, shards } = options;
    if (rows.replaceShards(shards) < shards) {
      for (const { topic } of rows.topicsOf(shard, shard + 1)) rows.addUnsent(topic);
    }
    this.#sender = new PresenceSender(options);
  }

  /** When the hub must wake, in milliseconds since 1970. Infinity if it need not. */
  get dueAt(): number {
    const { rows, shard, shards, onOccupancy } = this.#options;
    // With one shard, a question for the members wakes the hub that has them.
    const isChecked = (shards > 1 || onOccupancy !== undefined) && rows.hasAny(shard);
    return Math.min(
      this.#sender.dueAt,
      isChecked ? Date.now() + CHECK_INTERVAL : Number.POSITIVE_INFINITY,
    );
  }

  /** Call this after the clients are restored. Removes the members of shards that no longer exist. */
  restore(): void {
    const { rows, shard, shards, presence } = this.#options;
    for (const { source, topic } of rows.topicsOf(shards)) {
      if (source === shard) continue;
      const nothing = { isOccupied: false, guests: 0, present: [], left: [], isComplete: true };
      this.#apply(source, [{ topic, ...nothing }]);
    }
    for (const { topic } of rows.topicsOf(shard, shard + 1)) {
      const { present, guests } = rows.reportOf(shard, topic);
      presence.restore(topic, present, guests);
    }
  }

  async report(reports: readonly TopicReport[]): Promise<void> {
    this.#apply(this.#options.shard, reports);
    this.#sender.send(reports);
  }

  /**
   * Applies reports of another hub.
   *
   * @param number Greater than the number of the call before. A call that arrives after a later one throws.
   */
  receive(source: number, number: number, reports: readonly TopicReport[]): void {
    const last = this.#received.get(source) ?? 0;
    if (number <= last) throw new Error("A later call has arrived before.");
    this.#apply(source, reports);
    this.#received.set(source, number);
  }

  /** Calls the hubs for which reports wait. */
  sendDue(): void {
    this.#sender.sendDue();
  }

  withMembers(topic: string, send: (members: MembersEvent) => void): void {
    this.#load(topic);
    send(this.#table.membersOf(topic));
  }

  async membersOf(topic: string): Promise<MembersEvent> {
    this.#load(topic);
    return this.#table.membersOf(topic);
  }

  countsOf(topics: readonly string[]): PresenceCounts[] {
    return topics.map((topic) => {
      this.#load(topic);
      return this.#table.countsOf(topic);
    });
  }

  /** Changes the rows, the table and the log without an `await` in between, so that the runtime commits all changes or none. */
  #apply(source: number, reports: readonly TopicReport[]): void {
    const { rows, presence, append, onOccupancy, shard } = this.#options;
    const messages: Message[] = [];
    try {
      for (const report of reports) {
        const { topic } = report;
        this.#load(topic);
        const outcome = this.#table.apply(String(source), report);
        rows.apply(source, report);
        rows.setListed(topic, this.#table.isListed(topic));
        this.#loaded.add(topic);
        if (presence.hasPresence(topic)) {
          messages.push(...createPresenceMessages(outcome, presence.rules));
        }
        const { occupancy } = outcome;
        if (occupancy === "vacated") this.#loaded.delete(topic);
        // Every hub folds all reports. One of them tells.
        if (occupancy !== undefined && shard === 0) onOccupancy?.(topic, occupancy);
      }
      if (messages.length > 0) append(messages);
    } catch (error) {
      for (const { topic } of reports) this.#table.restate(topic);
      throw error;
    }
  }

  #load(topic: string): void {
    if (this.#loaded.has(topic)) return;
    const { rows } = this.#options;
    const sources = rows.sourcesOf(topic);
    if (sources.length === 0) return;
    for (const source of sources) this.#table.apply(String(source), rows.reportOf(source, topic));
    if (!rows.isListed(topic)) this.#table.setCounted(topic);
    this.#loaded.add(topic);
  }
}
