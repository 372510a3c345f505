import type { RegistryStats } from "../registry/registry.ts";
import type { ServerCounts } from "./routes/stats.ts";

/** The name of a count among the metrics, and what it counts. The metrics and the OpenAPI document show the description. */
export type Statistic = readonly [metric: string, description: string];

type Statistics<Counts, Names extends keyof Counts> = Readonly<Record<Names, Statistic>>;
type Stats = RegistryStats & ServerCounts;

/** The counts that have neither a label nor an object of their own. */
export const COUNTS = {
  clients: ["clients", "Connected clients."],
  subscriptions: ["subscriptions", "Subscription keys of all clients."],
  topics: ["topics", "Distinct topics with subscribers."],
  queuedBytes: ["queue_bytes", "Bytes in the queues of clients."],
  waitingBytes: [
    "waiting_bytes",
    "Bytes that clients have not taken yet. Bytes that several clients share count once.",
  ],
  connects: ["connects_total", "Clients that connected."],
  accepted: ["messages_accepted_total", "Messages appended to the log."],
  duplicate: ["messages_duplicate_total", "Messages whose id was published before."],
  delivered: [
    "deliveries_total",
    "Messages written to clients, counted once for each client and key.",
  ],
  replayed: ["deliveries_replayed_total", "The deliveries that came from the history."],
  logLinesDropped: ["log_lines_dropped_total", "Log lines that could not be written."],
  connectionsRefused: [
    "connections_refused_total",
    "Connections refused at the limit of open files.",
  ],
  refusedCredentials: ["credentials_refused_total", "Refused admin keys and tokens."],
} as const satisfies Partial<Statistics<Stats, keyof Stats>>;

/** The counts in `keyBudget`. */
export const KEY_COUNTS: Statistics<Stats["keyBudget"], keyof Stats["keyBudget"]> = {
  used: [
    "keys",
    "Subscription keys. A key counts once more for each topic in which it overlaps with the client's rights.",
  ],
  limit: ["keys_limit", "The limit of keys. 0 is no limit."],
  characters: ["key_characters", "Characters of subscription keys."],
  charactersLimit: ["key_characters_limit", "The limit of characters. 0 is no limit."],
  refused: ["keys_refused_total", "Requests refused by the limits of keys."],
};

/** The counts in `history`. */
export const HISTORY_COUNTS: Statistics<Stats["history"], keyof Stats["history"]> = {
  messages: ["history_messages", "Messages in the history."],
  bytes: ["history_bytes", "Bytes of the messages in the history."],
};

/** The counts in `kept`. */
export const KEPT_COUNTS: Statistics<Stats["kept"], keyof Stats["kept"]> = {
  topics: [
    "kept_topics",
    "Topics with messages that a topic rule keeps, within the history's limits or not.",
  ],
  messages: [
    "kept_messages",
    "Messages that topic rules keep. A message that several topics keep counts once for each.",
  ],
  bytes: ["kept_bytes", "Bytes of the messages that topic rules keep."],
  evicted: ["kept_evicted_total", "Topics that lost their kept messages because of a limit."],
};

/** The counts in `callbacks`. */
export const CALLBACK_COUNTS: Statistics<Stats["callbacks"], keyof Stats["callbacks"]> = {
  asked: ["callbacks_asked_total", "Questions that were sent to the backend."],
  refused: ["callbacks_refused_total", "Answers with a refusal."],
  failed: ["callbacks_failed_total", "Questions without a valid answer in time."],
  cached: ["callbacks_cached_total", "Questions with a cached answer."],
  told: ["callbacks_told_total", "Events that were delivered to the backend."],
  retried: ["callbacks_retried_total", "Batches of events that were sent again."],
  dropped: ["callbacks_dropped_total", "Events that were dropped."],
  waiting: ["callbacks_waiting", "Events that wait for the backend."],
};

/** The descriptions of the counts that have a label. */
export const DISCONNECTS = "Clients that were removed, by reason.";
export const RATE_REFUSALS = "Requests refused by a rate limit, by limit.";
