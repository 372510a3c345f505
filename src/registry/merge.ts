import type { KeptStats } from "../log/log.ts";
import type { KeyStats } from "../realtime/access/capacity.ts";
import { toTopicInfos } from "../realtime/clients/listing.ts";
import { addLatency } from "../realtime/latency.ts";
import { CLOSE_REASONS, type CloseReason, type TopicInfo } from "../realtime/types.ts";
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
    keyBudget: mergeKeyStats(a.keyBudget, b.keyBudget),
    queuedBytes: a.queuedBytes + b.queuedBytes,
    connects: a.connects + b.connects,
    delivered: a.delivered + b.delivered,
    replayed: a.replayed + b.replayed,
    recovered: a.recovered + b.recovered,
    unrecovered: a.unrecovered + b.unrecovered,
    disconnects: mergeDisconnects(a.disconnects, b.disconnects),
    startedAt: a.startedAt < b.startedAt ? a.startedAt : b.startedAt,
    // Every shard has every message, so a sum would count each message once for each shard.
    accepted: Math.max(a.accepted, b.accepted),
    duplicate: Math.max(a.duplicate, b.duplicate),
    history: {
      messages: Math.max(a.history.messages, b.history.messages),
      bytes: Math.max(a.history.bytes, b.history.bytes),
    },
    kept: mergeKept(a.kept, b.kept),
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

/** Every shard has every message, so the counts are not added up. A hub of an earlier version returns no `kept`. */
function mergeKept(a = NONE_KEPT, b = NONE_KEPT): KeptStats {
  return {
    topics: Math.max(a.topics, b.topics),
    messages: Math.max(a.messages, b.messages),
    bytes: Math.max(a.bytes, b.bytes),
    evicted: Math.max(a.evicted, b.evicted),
  };
}

function mergeKeyStats(a: KeyStats, b: KeyStats): KeyStats {
  return {
    used: a.used + b.used,
    limit: a.limit + b.limit,
    characters: a.characters + b.characters,
    charactersLimit: a.charactersLimit + b.charactersLimit,
    refused: a.refused + b.refused,
  };
}

type Disconnects = RegistryStats["disconnects"];

function mergeDisconnects(a: Disconnects, b: Disconnects): Disconnects {
  const counts: Record<CloseReason, number> = { ...a };
  for (const reason of CLOSE_REASONS) counts[reason] += b[reason];
  return counts;
}
