import type { MembersAt } from "../../log/shared-presence.ts";
import { sequenceOf } from "../../realtime/cursor.ts";
import { type MembersEvent, presenceTopicOf } from "../../realtime/presence/presence.ts";
import type { LogEntry, Logger } from "../../realtime/types.ts";
import type { Milliseconds } from "../../realtime/units.ts";
import { foldPresence } from "./fold-presence.ts";

/** Maximum number of topics that are loaded at the same time. */
const MAX_LOADING = 16;

/** Time until a load that has failed is repeated. */
const RETRY_DELAY: Milliseconds = 500;

/** Time until the next load of the same topic, for each listed member. Many subscribers may come one after another. */
const PAUSE_PER_MEMBER: Milliseconds = 0.2;

/** The subscribers that wait for the members of one topic. */
interface Load {
  waiting: ((members: MembersEvent) => void)[];
  /** The events of the presence topic that have been received since the load began. */
  entries: LogEntry[];
}

/**
 * Loads the members of topics for new subscribers. Subscribers of the same topic share a load. The events that arrive during a load
 * are added to its result, so that the members are never behind the events that this process has received.
 */
export class MembersLoader {
  readonly #read: (topic: string) => Promise<MembersAt>;
  readonly #logger: Logger | undefined;
  /** By presence topic. */
  readonly #loads = new Map<string, Load>();
  /** Topics that wait until fewer topics are being loaded. */
  readonly #queue: (() => void)[] = [];
  #loading = 0;
  #generation = 0;
  #isStopped = false;

  constructor(read: (topic: string) => Promise<MembersAt>, logger: Logger | undefined) {
    this.#read = read;
    this.#logger = logger;
  }

  /** Calls `send` with the members of a topic as soon as they are loaded. */
  request(topic: string, send: (members: MembersEvent) => void): void {
    if (this.#isStopped) return;
    const key = presenceTopicOf(topic);
    const load = this.#loads.get(key);
    if (load !== undefined) {
      load.waiting.push(send);
      return;
    }
    const created = { waiting: [send], entries: [] };
    this.#loads.set(key, created);
    void this.#run(topic, created);
  }

  /** Must be called with all entries of the log, in the turn of the event loop in which they are delivered. */
  receive(entries: readonly LogEntry[]): void {
    if (this.#loads.size === 0) return;
    for (const entry of entries) {
      for (const topic of entry.message.topics) this.#loads.get(topic)?.entries.push(entry);
    }
  }

  /** Repeats the loads that are under way, because the log has lost entries. */
  reload(): void {
    this.#generation += 1;
  }

  stop(): void {
    this.#isStopped = true;
    this.#loads.clear();
    for (const begin of this.#queue.splice(0)) begin();
  }

  async #run(topic: string, load: Load): Promise<void> {
    while (load.waiting.length > 0 && !this.#isStopped) {
      const pauseTime = await this.#attempt(topic, load);
      await new Promise((resolve) => setTimeout(resolve, pauseTime));
    }
    if (!this.#isStopped) this.#loads.delete(presenceTopicOf(topic));
  }

  /** Returns the time until the next attempt. */
  async #attempt(topic: string, load: Load): Promise<Milliseconds> {
    await this.#enter();
    load.entries = [];
    const generation = this.#generation;
    try {
      const { members, sequence } = await this.#read(topic);
      if (generation !== this.#generation || this.#isStopped) return 0;
      const later = load.entries.filter(({ cursor }) => sequenceOf(cursor) > sequence);
      const current = foldPresence(members, later);
      for (const send of load.waiting.splice(0)) send(current);
      return (members.members?.length ?? 0) * PAUSE_PER_MEMBER;
    } catch (error) {
      this.#logger?.warn("the members of a topic can't be loaded", { error: String(error) });
      return RETRY_DELAY;
    } finally {
      this.#loading -= 1;
      this.#queue.shift()?.();
    }
  }

  async #enter(): Promise<void> {
    while (this.#loading >= MAX_LOADING && !this.#isStopped) {
      await new Promise<void>((resolve) => this.#queue.push(resolve));
    }
    this.#loading += 1;
  }
}
