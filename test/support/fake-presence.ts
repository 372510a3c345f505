import type { MessageLog } from "../../src/log/log.ts";
import type {
  MembersAt,
  PartOutcome,
  PresenceCall,
  PresencePart,
  Renewal,
  SharedPresence,
} from "../../src/log/shared-presence.ts";
import { sequenceOf } from "../../src/realtime/cursor.ts";
import { RealtimeError } from "../../src/realtime/errors.ts";
import { MembersTable } from "../../src/realtime/presence/members-table.ts";
import { type PresenceCounts, presenceTopicOf } from "../../src/realtime/presence/presence.ts";
import { createPresenceMessages } from "../../src/realtime/presence/presence-messages.ts";
import { TopicRules } from "../../src/realtime/topic-rules.ts";

interface FakeSource {
  /** When the source counts as gone. 0 if it is retired. */
  endsAt: number;
  lastCall: number;
  lastOutcomes: PartOutcome[];
  /** By topic and id, the number of the call that has reported the member. */
  readonly members: Map<string, Map<string, number>>;
}

/** The members of topics in memory, for several processes that share a log in memory. Fails on demand. */
export class FakePresence implements SharedPresence {
  /** Whether every call fails. */
  isAway = false;
  /** Number of next calls of `apply` of which the answer is lost. */
  lostAnswers = 0;
  /** The topics of each call of `count`. */
  readonly counted: (readonly string[])[] = [];
  table = new MembersTable();
  readonly sources = new Map<string, FakeSource>();
  readonly #log: MessageLog;

  constructor(log: MessageLog) {
    this.#log = log;
  }

  /** Loses all members and sources. */
  flush(): void {
    this.table = new MembersTable();
    this.sources.clear();
  }

  async apply(call: PresenceCall): Promise<readonly PartOutcome[] | undefined> {
    this.#assertHere();
    const source = this.sources.get(call.source) ?? this.#register(call);
    if (source === undefined || (source.endsAt === 0) !== (call.kind === "removal"))
      return undefined;
    if (call.kind !== "removal" && source.lastCall === call.number) return source.lastOutcomes;
    source.lastCall = call.number;
    source.lastOutcomes = [];
    for (const part of call.parts)
      source.lastOutcomes.push(await this.#applyPart(call, source, part));
    if (this.lostAnswers > 0) {
      this.lostAnswers -= 1;
      throw unreachable();
    }
    return source.lastOutcomes;
  }

  async read(topic: string): Promise<MembersAt> {
    this.#assertHere();
    return { members: this.table.membersOf(topic), sequence: sequenceOf(this.#log.cursor()) };
  }

  async count(topics: readonly string[]): Promise<readonly PresenceCounts[]> {
    this.#assertHere();
    this.counted.push(topics);
    return topics.map((topic) => this.table.countsOf(topic));
  }

  async renew(source: string, lease: number, isFirst: boolean): Promise<Renewal | undefined> {
    this.#assertHere();
    const number = 0;
    const kind = isFirst ? "first" : "next";
    const earlier = this.sources.get(source);
    const known = earlier ?? this.#register({ source, kind, number, lease, parts: [] });
    if (known === undefined || known.endsAt === 0) return undefined;
    const wasLate = earlier !== undefined && earlier.endsAt < Date.now();
    known.endsAt = Date.now() + lease;
    const gone = [...this.sources].filter(([, { endsAt }]) => endsAt <= Date.now());
    return { wasLate, gone: gone.map(([name]) => name) };
  }

  async retire(source: string): Promise<readonly string[]> {
    this.#assertHere();
    const known = this.sources.get(source);
    if (known === undefined || known.endsAt > Date.now()) return [];
    known.endsAt = 0;
    const topics = this.table.topicsOf(source).slice(0, 2);
    if (topics.length === 0) this.sources.delete(source);
    return topics;
  }

  #register({ source, kind, lease }: PresenceCall): FakeSource | undefined {
    if (kind !== "first") return undefined;
    const endsAt = Date.now() + lease;
    const created = { endsAt, lastCall: 0, lastOutcomes: [], members: new Map() };
    this.sources.set(source, created);
    return created;
  }

  async #applyPart(
    { source, number }: PresenceCall,
    { members }: FakeSource,
    part: PresencePart,
  ): Promise<PartOutcome> {
    const { topic, isOccupied, guests, present, removal, message } = part;
    const written = members.get(topic) ?? new Map<string, number>();
    members.set(topic, written);
    for (const id of part.left) written.delete(id);
    for (const { id } of present) written.set(id, number);
    const earlier = [...written].filter(([, call]) => call < (removal?.before ?? 0));
    for (const [id] of earlier) written.delete(id);
    const left = [...part.left, ...earlier.map(([id]) => id)];
    const report = { topic, isOccupied, guests, present, left, isComplete: false };
    const outcome = this.table.apply(source, report);
    const rule = { match: presenceTopicOf(topic), private: message.private, ttl: message.ttl };
    const messages = createPresenceMessages(outcome, new TopicRules([rule]));
    if (messages.length > 0) await this.#log.append(messages);
    return { occupancy: outcome.occupancy, cursor: undefined };
  }

  #assertHere(): void {
    if (this.isAway) throw unreachable();
  }
}

function unreachable(): RealtimeError {
  return new RealtimeError("unreachable", "The members can't be reached.");
}
