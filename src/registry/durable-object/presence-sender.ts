import type { TopicReport } from "../../realtime/presence/presence.ts";
import type { Milliseconds } from "../../realtime/units.ts";
import { fromRpcResult } from "../rpc.ts";
import type { PresenceRows } from "./presence-rows.ts";
import type { HubStub } from "./protocol.ts";

/** Delay of the first retry. Each further retry takes twice as long. */
const RETRY_DELAY: Milliseconds = 1000;
const MAX_RETRY_DELAY: Milliseconds = 60_000;

/** Maximum number of topics in one call. A call with complete reports of more topics might exceed the 32 MiB of an RPC call. */
const TOPICS_PER_CALL = 20;

/** One of the other hubs. */
interface Peer {
  readonly shard: number;
  /** By topic, the reports that must still be sent, in their order. */
  readonly waiting: Map<string, TopicReport[] | "complete">;
  /** The topics of the call in progress. Empty while no call is in progress. */
  sending: ReadonlySet<string>;
  /** Before this time the hub is not called again, in milliseconds since 1970. 0 until a call fails. */
  retryAt: number;
  failures: number;
}

/** Options of `PresenceSender`. */
export interface PresenceSenderOptions {
  /** Returns a new stub of a shard's hub. */
  readonly hub: (shard: number) => HubStub;
  /** Number of shards. */
  readonly shards: number;
  /** Index of the shard that sends. */
  readonly shard: number;
  readonly rows: PresenceRows;
  /** Called when `dueAt` has become earlier. */
  readonly onDue: () => Promise<void>;
}

/**
 * Sends the reports of a hub to the other hubs. Each hub gets one call at a time, so the reports of a topic arrive in their order.
 * After a failed call, complete reports replace the reports that may be lost. The topics that are not sent yet are stored, so that
 * a hub that was interrupted sends them when it wakes.
 */
export class PresenceSender {
  readonly #options: PresenceSenderOptions;
  readonly #peers: readonly Peer[];
  /** Number of the last call. Calls after a wake have greater numbers than those before. */
  #number = 0;

  constructor(options: PresenceSenderOptions) {
    this.#options = options;
    const shards = Array.from({ length: options.shards }, (_, shard) => shard);
    this.#peers = shards
      .filter((shard) => shard !== options.shard)
      .map((shard) => ({
        shard,
        waiting: new Map(),
        sending: new Set(),
        retryAt: 0,
        failures: 0,
      }));
    for (const topic of options.rows.unsent()) this.#repeat(topic);
  }

  /** When `sendDue` must be called, in milliseconds since 1970. */
  get dueAt(): number {
    const idle = this.#peers.filter(({ waiting, sending }) => waiting.size > 0 && !sending.size);
    return Math.min(...idle.map(({ retryAt }) => retryAt || Date.now()));
  }

  /** Sends reports that the hub has just stored. */
  send(reports: readonly TopicReport[]): void {
    if (this.#peers.length === 0) return;
    for (const report of reports) {
      const { topic } = report;
      this.#options.rows.addUnsent(topic);
      for (const { waiting, failures } of this.#peers) {
        const earlier = waiting.get(topic) ?? [];
        if (failures > 0 || earlier === "complete") waiting.set(topic, "complete");
        else waiting.set(topic, [...earlier, report]);
      }
    }
    this.sendDue();
  }

  /** Calls the hubs for which reports wait. Returns before the calls end: a hub must not wait for another hub. */
  sendDue(): void {
    const now = Date.now();
    for (const peer of this.#peers) {
      if (peer.sending.size === 0 && peer.retryAt <= now) void this.#sendTo(peer);
    }
  }

  #repeat(topic: string): void {
    for (const { waiting } of this.#peers) waiting.set(topic, "complete");
  }

  async #sendTo(peer: Peer): Promise<void> {
    const { hub, shard } = this.#options;
    while (peer.waiting.size > 0) {
      try {
        const reports = this.#take(peer);
        this.#number = Math.max(this.#number + 1, Date.now());
        fromRpcResult(await hub(peer.shard).reportPresence(shard, this.#number, reports));
      } catch {
        for (const topic of peer.sending) peer.waiting.set(topic, "complete");
        peer.sending = new Set();
        peer.retryAt = Date.now() + Math.min(RETRY_DELAY * 2 ** peer.failures, MAX_RETRY_DELAY);
        peer.failures += 1;
        await this.#options.onDue();
        return;
      }
      const { sending } = peer;
      peer.sending = new Set();
      peer.failures = 0;
      for (const topic of sending) {
        const isUnsent = this.#peers.some(
          (one) => one.waiting.has(topic) || one.sending.has(topic),
        );
        if (!isUnsent) this.#options.rows.removeUnsent(topic);
      }
    }
  }

  #take(peer: Peer): TopicReport[] {
    const { rows, shard } = this.#options;
    const taken = [...peer.waiting].slice(0, TOPICS_PER_CALL);
    peer.sending = new Set(taken.map(([topic]) => topic));
    for (const [topic] of taken) peer.waiting.delete(topic);
    return taken.flatMap(([topic, reports]) =>
      reports === "complete" ? rows.reportOf(shard, topic) : reports,
    );
  }
}
