import { toTopicInfos } from "../realtime/clients/listing.ts";
import { addLatency } from "../realtime/latency.ts";
import type { TopicInfo } from "../realtime/types.ts";
import type { RegistryStats } from "./registry.ts";
import { NONE_KEPT } from "./stats.ts";

/**
 * Adds up the subscriptions of each topic over all shards. Members and guests are not added up: each shard counts those of all
 * shards. The result is sorted by topic name.
 */
export function mergeTopics(topics: readonly TopicInfo[]): TopicInfo[] {
  const counts = new Map<string, number>();
  const present = new Map<string, TopicInfo>();
  for (const info of topics) {
    const { topic, subscriptions, members } = info;
    counts.set(topic, (counts.get(topic) ?? 0) + subscriptions);
    if (members !== undefined) present.set(topic, info);
  }
  return toTopicInfos(counts).map((info) => ({ ...present.get(info.topic), ...info }));
}

/** Combines the statistics of two shards, or the combined statistics of several shards with those of one more. */
export function mergeStats(a: RegistryStats, b: RegistryStats): RegistryStats {
  return {
    clients: a.clients + b.clients,
    subscriptions: a.subscriptions + b.subscriptions,
    topics: a.topics + b.topics,
    keyBudget: combine(a.keyBudget, b.keyBudget, add),
    queuedBytes: a.queuedBytes + b.queuedBytes,
    connects: a.connects + b.connects,
    delivered: a.delivered + b.delivered,
    replayed: a.replayed + b.replayed,
    recovered: a.recovered + b.recovered,
    unrecovered: a.unrecovered + b.unrecovered,
    disconnects: combine(a.disconnects, b.disconnects, add),
    startedAt: a.startedAt < b.startedAt ? a.startedAt : b.startedAt,
    // Every shard has every message, so a sum would count each message once for each shard.
    accepted: Math.max(a.accepted, b.accepted),
    duplicate: Math.max(a.duplicate, b.duplicate),
    history: combine(a.history, b.history, Math.max),
    // A hub of an earlier version returns no `kept`.
    kept: combine(a.kept ?? NONE_KEPT, b.kept ?? NONE_KEPT, Math.max),
    publishLatency: addLatency(a.publishLatency, b.publishLatency),
  };
}

/**
 * Combines the statistics of two processes that share a log. Each process counts the messages that it has appended, so these
 * counts are added up.
 */
export function mergeProcessStats(a: RegistryStats, b: RegistryStats): RegistryStats {
  const accepted = a.accepted + b.accepted;
  return { ...mergeStats(a, b), accepted, duplicate: a.duplicate + b.duplicate };
}

/** Combines each count of two objects with the same counts. */
function combine<T extends Readonly<Record<keyof T, number>>>(
  a: T,
  b: T,
  combineCounts: (a: number, b: number) => number,
): T {
  const counts = { ...a };
  for (const name in counts) Object.assign(counts, { [name]: combineCounts(a[name], b[name]) });
  return counts;
}

function add(a: number, b: number): number {
  return a + b;
}
