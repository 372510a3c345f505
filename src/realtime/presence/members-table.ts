import { isSame } from "./local-topic.ts";
import {
  MAX_LISTED_MEMBERS,
  type Member,
  type MembersEvent,
  type PresenceChange,
  type PresenceCounts,
  type ReportedMember,
  type TopicReport,
} from "./presence.ts";

/** A counted topic is listed again when it has at most this many members, so that a topic near the limit does not alternate. */
export const LISTED_AGAIN = MAX_LISTED_MEMBERS * 0.9;

/** What one source contributes to a topic besides members. */
interface SourceCounts {
  readonly guests: number;
  readonly isOccupied: boolean;
}

interface TopicMembers {
  /** By id, the member as each source reports it. */
  readonly members: Map<string, Map<string, ReportedMember>>;
  readonly sources: Map<string, SourceCounts>;
  isListed: boolean;
  /** Whether subscribers must get all members, because they may have missed changes. */
  mustRestate: boolean;
}

/** What a report changes for subscribers of a topic. */
export interface TopicOutcome {
  readonly topic: string;
  /** An event with all members. If it is set, it replaces the changes. */
  readonly statement?: MembersEvent | undefined;
  readonly changes: readonly PresenceChange[];
  /** Whether the topic has got its first stream, or lost its last one. */
  readonly occupancy?: "occupied" | "vacated" | undefined;
}

/** The members of topics over all sources (processes or hubs). A member of several sources is one member. */
export class MembersTable {
  readonly #topics = new Map<string, TopicMembers>();

  /** Applies a report. */
  apply(source: string, report: TopicReport): TopicOutcome {
    const { topic } = report;
    const entry = this.#topics.get(topic) ?? createTopic();
    this.#topics.set(topic, entry);
    const before = countsOf(entry);
    const changes = applyMembers(entry, source, report);
    setCounts(entry, source, report);
    const after = countsOf(entry);
    if (after.guests !== before.guests) changes.push({ type: "guests", guests: after.guests });
    if (entry.members.size === 0 && entry.sources.size === 0) this.#topics.delete(topic);
    const statement = restate(entry, changes);
    return {
      topic,
      statement,
      changes: statement === undefined ? changes : [],
      occupancy:
        before.isOccupied === after.isOccupied
          ? undefined
          : after.isOccupied
            ? "occupied"
            : "vacated",
    };
  }

  /** Makes the next outcome of a topic a statement of all members. Call it when the outcome of a report is lost. */
  restate(topic: string): void {
    const entry = this.#topics.get(topic) ?? createTopic();
    this.#topics.set(topic, entry);
    entry.mustRestate = true;
  }

  /** All members of a topic. */
  membersOf(topic: string): MembersEvent {
    return describe(this.#topics.get(topic) ?? createTopic());
  }

  /** Whether the members of a topic were listed for subscribers, and not only counted. */
  isListed(topic: string): boolean {
    return this.#topics.get(topic)?.isListed ?? true;
  }

  /** Restores that the members of a topic were only counted. Call it after `apply`. */
  setCounted(topic: string): void {
    const entry = this.#topics.get(topic);
    if (entry !== undefined) entry.isListed = false;
  }

  /** The numbers of members and guests of a topic. */
  countsOf(topic: string): PresenceCounts {
    const entry = this.#topics.get(topic);
    return { members: entry?.members.size ?? 0, guests: entry ? countsOf(entry).guests : 0 };
  }

  /** The topics to which a source contributes. Goes through all topics. */
  topicsOf(source: string): string[] {
    return [...this.#topics]
      .filter(([, { sources }]) => sources.has(source))
      .map(([topic]) => topic);
  }
}

function createTopic(): TopicMembers {
  return { members: new Map(), sources: new Map(), isListed: true, mustRestate: false };
}

function countsOf({ sources }: TopicMembers): SourceCounts {
  let guests = 0;
  let isOccupied = false;
  for (const counts of sources.values()) {
    guests += counts.guests;
    isOccupied ||= counts.isOccupied;
  }
  return { guests, isOccupied };
}

function setCounts({ sources }: TopicMembers, source: string, report: TopicReport): void {
  const { guests, isOccupied } = report;
  if (isOccupied) sources.set(source, { guests, isOccupied });
  else sources.delete(source);
}

function applyMembers(
  { members }: TopicMembers,
  source: string,
  { present, left, isComplete }: TopicReport,
): PresenceChange[] {
  const changes: PresenceChange[] = [];
  const gone = new Set(left);
  if (isComplete) {
    const here = new Set(present.map(({ id }) => id));
    for (const [id, bySource] of members) {
      if (bySource.has(source) && !here.has(id)) gone.add(id);
    }
  }
  for (const id of gone) {
    const bySource = members.get(id);
    if (bySource === undefined) continue;
    const before = combine(id, bySource);
    bySource.delete(source);
    if (bySource.size === 0) members.delete(id);
    addChange(changes, before, bySource.size === 0 ? undefined : combine(id, bySource));
  }
  for (const member of present) {
    const { id } = member;
    const bySource = members.get(id) ?? new Map<string, ReportedMember>();
    const before = bySource.size === 0 ? undefined : combine(id, bySource);
    members.set(id, bySource.set(source, member));
    addChange(changes, before, combine(id, bySource));
  }
  return changes;
}

function addChange(
  changes: PresenceChange[],
  before: Member | undefined,
  after: Member | undefined,
): void {
  if (after === undefined) {
    if (before !== undefined) changes.push({ type: "leave", member: before });
  } else if (before === undefined) changes.push({ type: "join", member: after });
  else if (!isSame(before.info, after.info)) changes.push({ type: "update", member: after });
}

/** The member that subscribers see: with the earliest time of joining and the newest info. */
function combine(id: string, bySource: ReadonlyMap<string, ReportedMember>): Member {
  let since = Number.POSITIVE_INFINITY;
  let newest: ReportedMember | undefined;
  let newestSource = "";
  for (const [source, member] of bySource) {
    since = Math.min(since, member.since);
    // If two infos have the same time, that of the greater source counts. So all hubs have the same info, in whatever order the
    // reports arrive.
    const { updatedAt = Number.NEGATIVE_INFINITY } = newest ?? {};
    if (member.updatedAt < updatedAt) continue;
    if (member.updatedAt === updatedAt && source < newestSource) continue;
    newest = member;
    newestSource = source;
  }
  return { id, info: newest?.info ?? {}, since };
}

/** Returns a statement of all members if changes may be lost, or if the members are counted. The statement replaces the changes. */
function restate(
  entry: TopicMembers,
  changes: readonly PresenceChange[],
): MembersEvent | undefined {
  const { members, isListed, mustRestate } = entry;
  entry.isListed = members.size <= (isListed ? MAX_LISTED_MEMBERS : LISTED_AGAIN);
  entry.mustRestate = false;
  const isChanged = changes.length > 0 && !(isListed && entry.isListed);
  return mustRestate || isChanged ? describe(entry) : undefined;
}

function describe(entry: TopicMembers): MembersEvent {
  const { members, isListed } = entry;
  const { guests } = countsOf(entry);
  const counts = { count: members.size, guests };
  if (!isListed) return { type: "members", ...counts };
  const list = [...members].map(([id, bySource]) => combine(id, bySource));
  list.sort((one, other) => one.since - other.since);
  return { type: "members", members: list, ...counts };
}
