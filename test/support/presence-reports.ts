import type {
  MembersEvent,
  PresenceChange,
  PresenceEvent,
  TopicReport,
} from "../../src/realtime/presence/presence.ts";

/** Members as a subscriber sees them, with an order that does not depend on the order of members that joined at the same time. */
export function sorted(members: MembersEvent): MembersEvent {
  const list = members.members?.toSorted((a, b) => a.since - b.since || (a.id < b.id ? -1 : 1));
  return { ...members, members: list };
}

/** The changes of several events in one list, so that it does not matter how they are split into messages. */
export function flatten(events: readonly PresenceEvent[]): (MembersEvent | PresenceChange)[] {
  return events.flatMap((event): readonly (MembersEvent | PresenceChange)[] => {
    if (event.type === "changes") return event.changes;
    return event.type === "members" ? [sorted(event)] : [event];
  });
}

/** Creates random reports of sources, each of which is consistent with the reports before it. */
export class RandomReports {
  readonly #random: () => number;
  /** By source and topic, the ids that the source has. */
  readonly #state = new Map<string, Set<string>>();
  #now = 1000;

  constructor(random: () => number) {
    this.#random = random;
  }

  /** A report of a source about a topic. */
  next(source: string, topic: string): TopicReport {
    const key = `${source} ${topic}`;
    const ids = this.#state.get(key) ?? new Set<string>();
    this.#state.set(key, ids);
    const isComplete = this.#random() < 0.15;
    const isEmptied = this.#random() < 0.15;
    const left = [...ids].filter(() => isEmptied || this.#random() < 0.3);
    for (const id of left) ids.delete(id);
    const added = isEmptied ? [] : this.#pick();
    for (const id of added) ids.add(id);
    const shown = isComplete ? [...ids] : added;
    const present = shown.map((id) => {
      this.#now += Math.floor(this.#random() * 3);
      const since = this.#now - Math.floor(this.#random() * 5);
      const info = { n: Math.floor(this.#random() * 3), 'te"xt': "ä\n😀/%1" };
      return { id, info, since, updatedAt: this.#now };
    });
    const guests = isEmptied ? 0 : Math.floor(this.#random() * 3);
    const isOccupied = ids.size + guests > 0;
    // A complete report need not name the members that have left.
    return { topic, isOccupied, guests, present, left: isComplete ? [] : left, isComplete };
  }

  #pick(): string[] {
    const names = ["ann", "bob", 'c"\\ d', "é\t", "%S+ %1", "😀"];
    return names.filter(() => this.#random() < 0.4);
  }
}
