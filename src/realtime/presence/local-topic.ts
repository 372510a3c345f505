import type { Milliseconds } from "../units.ts";
import type { MemberInfo, ReportedMember, TopicReport } from "./presence.ts";

/** After a burst of reports, a topic is reported once in this time, so that many changes are gathered. */
const INTERVAL: Milliseconds = 1000;

/** Number of reports that a topic may send without a pause. */
const BURST = 10;

interface LocalMember {
  readonly id: string;
  /** Number of streams. 0 during the grace after the last stream has ended. */
  streams: number;
  /** `Principal.info` of the newest stream. */
  claimed: MemberInfo;
  /** What other clients see of the member: the fields that its client has added, and `claimed`. */
  info: MemberInfo;
  readonly since: number;
  updatedAt: number;
  /** When the member leaves unless a stream returns. */
  leavesAt: number;
}

/** The members and guests of one topic that are connected to one manager, and what was last reported about them. */
export class LocalTopic {
  readonly #topic: string;
  readonly #members = new Map<string, LocalMember>();
  /** Includes the guests that are in their grace. */
  #guests = 0;
  #leavingGuests = 0;
  /** Number of guests that have returned during a grace. The same number of ends of a grace must have no effect. */
  #returnedGuests = 0;
  /** Streams with the admin key. They are neither members nor guests. */
  #administrators = 0;
  /** Ids of members that must be reported. */
  readonly #changed = new Set<string>();
  /** The members that are reported, and when they joined. */
  readonly #reported = new Map<string, number>();
  #reportedGuests = 0;
  #reportedOccupied = false;
  #mustBeComplete = false;
  /** The theoretical arrival time of the next report (GCRA, ITU-T I.371). */
  #nextReport = 0;
  #notBefore = 0;

  constructor(topic: string) {
    this.#topic = topic;
  }

  /** The earliest time of the next report, in milliseconds since 1970. */
  get reportsAt(): number {
    return Math.max(this.#nextReport - (BURST - 1) * INTERVAL, this.#notBefore);
  }

  /** Whether there is nothing left to report or to remember. */
  get isEmpty(): boolean {
    // `endGraceOfGuest` must still be called for each guest that has returned.
    if (this.#isOccupied || this.#returnedGuests > 0) return false;
    return this.#reported.size === 0 && !this.#reportedOccupied;
  }

  get #isOccupied(): boolean {
    return this.#members.size > 0 || this.#guests > 0 || this.#administrators > 0;
  }

  addMember(id: string, claimed: MemberInfo, now: number): void {
    const member = this.#members.get(id);
    if (member === undefined) {
      const info = claimed;
      // If a member has left and come back between two reports, subscribers are not told, and its time of joining stays.
      const since = this.#reported.get(id) ?? now;
      const times = { since, updatedAt: now, leavesAt: 0 };
      this.#members.set(id, { id, streams: 1, claimed, info, ...times });
      this.#changed.add(id);
      return;
    }
    member.streams += 1;
    member.leavesAt = 0;
    this.#claim(member, claimed, now);
  }

  /** Applies changed claims of a stream that stays. */
  changeClaims(id: string, claimed: MemberInfo, now: number): void {
    const member = this.#members.get(id);
    if (member !== undefined) this.#claim(member, claimed, now);
  }

  /** @returns True if this was the last stream of the member. Its grace begins: call `endGraceOf` at `leavesAt`. */
  removeMember(id: string, leavesAt: number): boolean {
    const member = this.#members.get(id);
    if (member === undefined) return false;
    member.streams -= 1;
    if (member.streams > 0) return false;
    member.leavesAt = leavesAt;
    return true;
  }

  /** Removes a member, unless a stream of it was added since `removeMember` was called with this `leavesAt`. */
  endGraceOf(id: string, leavesAt: number): void {
    if (this.#members.get(id)?.leavesAt !== leavesAt) return;
    this.#members.delete(id);
    this.#changed.add(id);
  }

  /** Adds fields to the info of a member. Returns false if there is no such member. */
  extend(id: string, added: MemberInfo, now: number): boolean {
    const member = this.#members.get(id);
    if (member === undefined) return false;
    this.#show(member, { ...added, ...member.claimed }, now);
    return true;
  }

  addGuest(): void {
    if (this.#leavingGuests === 0) {
      this.#guests += 1;
      return;
    }
    this.#leavingGuests -= 1;
    this.#returnedGuests += 1;
  }

  /** Begins the grace of a guest: `endGraceOfGuest` must be called at its end. */
  removeGuest(): void {
    this.#leavingGuests += 1;
  }

  /** Ends the grace of one guest. */
  endGraceOfGuest(): void {
    if (this.#returnedGuests > 0) {
      this.#returnedGuests -= 1;
      return;
    }
    this.#leavingGuests -= 1;
    this.#guests -= 1;
  }

  /** Removes a guest without a grace, because its stream has signed in. */
  dropGuest(): void {
    this.#guests -= 1;
  }

  changeAdministrators(difference: 1 | -1): void {
    this.#administrators += difference;
  }

  /**
   * Restores a member that was reported before the manager was created. It leaves at `leavesAt` unless it has a stream.
   *
   * @returns Whether the member has no stream.
   */
  restore(reported: ReportedMember, leavesAt: number): boolean {
    const { id, info, since, updatedAt } = reported;
    const current = this.#members.get(id);
    // Which fields the client has added is not known. All count as claimed, so that none outlives the token that had it.
    const { streams = 0, claimed = info } = current ?? {};
    const isGone = streams === 0;
    const shown = { ...info, ...claimed };
    const member = { id, streams, claimed, info: shown, since, updatedAt };
    this.#members.set(id, { ...member, leavesAt: isGone ? leavesAt : 0 });
    this.#reported.set(id, since);
    if (isSame(shown, info)) this.#changed.delete(id);
    return isGone;
  }

  /** Restores the number of guests that was reported. Returns how many of them have no stream, so that their grace begins. */
  restoreGuests(guests: number): number {
    const gone = Math.max(guests - this.#guests, 0);
    this.#guests += gone;
    this.#leavingGuests += gone;
    this.#reportedGuests = guests;
    this.#reportedOccupied = true;
    return gone;
  }

  /** Makes the next report complete. It is sent at `notBefore` or later, in milliseconds since 1970. */
  repeatAll(notBefore: number): void {
    this.#mustBeComplete = true;
    this.#notBefore = notBefore;
  }

  /** Returns what has changed since the last report. Undefined if nothing has. */
  takeReport(now: number): TopicReport | undefined {
    const isOccupied = this.#isOccupied;
    const isComplete = this.#mustBeComplete;
    const present: ReportedMember[] = [];
    const left: string[] = [];
    for (const id of isComplete ? this.#members.keys() : this.#changed) {
      const member = this.#members.get(id);
      if (member !== undefined) present.push(describe(member));
      else if (this.#reported.has(id)) left.push(id);
    }
    this.#changed.clear();
    const isSameAsBefore =
      present.length + left.length === 0 &&
      this.#guests === this.#reportedGuests &&
      isOccupied === this.#reportedOccupied;
    if (isSameAsBefore && !isComplete) return undefined;
    if (isComplete) this.#reported.clear();
    for (const { id, since } of present) this.#reported.set(id, since);
    for (const id of left) this.#reported.delete(id);
    this.#reportedGuests = this.#guests;
    this.#reportedOccupied = isOccupied;
    this.#mustBeComplete = false;
    this.#notBefore = 0;
    // If the clock was set back, the earlier time is too far ahead.
    const next = Math.min(this.#nextReport, now + (BURST - 1) * INTERVAL);
    this.#nextReport = Math.max(next, now) + INTERVAL;
    return { topic: this.#topic, isOccupied, guests: this.#guests, present, left, isComplete };
  }

  #claim(member: LocalMember, claimed: MemberInfo, now: number): void {
    if (isSame(claimed, member.claimed)) return;
    const added = Object.entries(member.info).filter(
      ([name]) => !Object.hasOwn(member.claimed, name),
    );
    member.claimed = claimed;
    this.#show(member, { ...Object.fromEntries(added), ...claimed }, now);
  }

  #show(member: LocalMember, info: MemberInfo, now: number): void {
    if (isSame(info, member.info)) return;
    member.info = info;
    member.updatedAt = now;
    this.#changed.add(member.id);
  }
}

function describe({ id, info, since, updatedAt }: LocalMember): ReportedMember {
  return { id, info, since, updatedAt };
}

/** Whether two infos are the same JSON, with their fields in the same order. */
export function isSame(one: MemberInfo, other: MemberInfo): boolean {
  return one === other || JSON.stringify(one) === JSON.stringify(other);
}
