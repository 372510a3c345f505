/** The arguments and the answer of the script that appends messages. */
import { createHash } from "node:crypto";
import { fingerprint } from "../../../log/fingerprint.ts";
import {
  DEFAULT_HISTORY,
  DEFAULT_KEPT,
  DEFAULT_SHARED_IDS,
  type HistoryLimits,
  type LogOptions,
  messageSize,
  publisherOfId,
} from "../../../log/log.ts";
import type { BatchOutcome, SequencerBatch } from "../../../log/replica/sequencer.ts";
import { TopicRules } from "../../../realtime/topic-rules.ts";
import type { Message } from "../../../realtime/types.ts";
import { encodeHeader } from "./entry-codec.ts";

/** What the stream keeps at least, even if the history is shorter, so that a process that was cut off can catch up. */
const MIN_RETENTION: HistoryLimits = {
  messages: 10_000,
  maxAge: 60_000,
  bytes: 32 * 1024 * 1024,
};

/** Longest id that is stored as it is. Of a longer id, the hash is stored. */
const MAX_ID = 64;

/** Encodes the arguments of `APPEND_SCRIPT` for the same log options. */
export class AppendCall {
  /** The arguments after the time and the name of a new epoch that all scripts that append messages have. */
  readonly limits: readonly string[];
  readonly #rules: TopicRules;

  constructor({ history, rememberedIds, topics, kept }: LogOptions) {
    const limits = { ...DEFAULT_HISTORY, ...history };
    const ids = { ...DEFAULT_SHARED_IDS, ...rememberedIds };
    const keptLimits = { ...DEFAULT_KEPT, ...kept };
    const isKeeping = keptLimits.bytes > 0 && keptLimits.topics > 0;
    this.#rules = new TopicRules(isKeeping ? topics : undefined);
    this.limits = [
      ids.count,
      ids.maxAge,
      Math.max(limits.messages, MIN_RETENTION.messages),
      Math.max(limits.maxAge, MIN_RETENTION.maxAge),
      Math.max(limits.bytes, MIN_RETENTION.bytes),
      keptLimits.bytes,
      keptLimits.topics,
    ].map(String);
  }

  /** Returns the arguments after the time and the name of a new epoch. */
  encode(batches: readonly SequencerBatch[]): string[] {
    const args = [...this.limits, String(batches.length)];
    for (const { messages, publisher } of batches) {
      args.push(publisher?.identity ?? "", String(publisher?.issuedAt ?? 0));
      args.push(String(messages.length));
      for (const message of messages) this.#encodeMessage(message, args);
    }
    return args;
  }

  /** Number of messages of a topic that are kept, as an argument. Undefined if none are. */
  keepOf(topic: string): string | undefined {
    return this.#rules.ruleOf(topic)?.keep?.toString();
  }

  #encodeMessage(message: Message, args: string[]): void {
    const { id, data, change = "", topics } = message;
    const publisher = publisherOfId(id);
    args.push(shorten(id), publisher === undefined ? "" : `u${shorten(publisher)}`);
    args.push(String(fingerprint(message)), String(messageSize(message)));
    args.push(encodeHeader(message), data, change);
    const keeps = [...new Set(topics)].flatMap((topic) => {
      const keep = this.keepOf(topic);
      return keep === undefined ? [] : [topic, keep];
    });
    args.push(String(keeps.length / 2), ...keeps);
  }
}

function shorten(id: string): string {
  return id.length <= MAX_ID ? `=${id}` : createHash("sha1").update(id).digest("hex");
}

/** Decodes the answer of `APPEND_SCRIPT`. */
export function decodeOutcomes(
  answer: unknown,
  batches: readonly SequencerBatch[],
): readonly BatchOutcome[] {
  // The cast: the script returns this form.
  const [epoch, results] = answer as [string, string[]];
  return batches.map(({ messages }, index) => {
    const [status, sequence, outcomes = ""] = results.slice(3 * index, 3 * index + 3);
    if (status === "revoked") return { kind: status };
    if (status === "id_reused") {
      return {
        kind: status,
        indexes: [...outcomes].flatMap((one, at) => (one === "2" ? [at] : [])),
      };
    }
    return {
      kind: "appended",
      receipts: messages.map(({ id }, at) => ({ id, duplicate: outcomes[at] === "1" })),
      position: { epoch, sequence: Number(sequence), index: 0 },
    };
  });
}
