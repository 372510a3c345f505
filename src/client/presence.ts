import { callAll } from "./call-all.ts";
import type { Member, Presence } from "./types.ts";

/** An event of `$presence/<topic>` (docs/presence.md, "Which events are there?"). */
type PresenceEvent =
  | { type: "members"; members?: Member[]; count: number; guests: number }
  | { type: "join" | "update" | "leave"; member: Member }
  | { type: "guests"; guests: number }
  | { type: "changes"; changes: PresenceEvent[] };

type OnPresence = (presence: Presence) => void;

/** Follows the members of one topic. */
export class TopicPresence {
  readonly listeners = new Set<OnPresence>();
  readonly #members = new Map<string, Member>();
  /** Number of members that are counted and not listed. */
  #unlisted = 0;
  #guests = 0;
  /** Whether the list of members has arrived. Changes before it are part of the list. */
  #hasList = false;

  /** Adds a listener. Calls it at once if the members are known. */
  listen(listener: OnPresence): void {
    this.listeners.add(listener);
    if (this.#hasList) listener(this.#read());
  }

  readonly onEvent = (event: unknown): void => {
    this.#apply(event as PresenceEvent);
    if (this.#hasList) callAll(this.listeners, this.#read());
  };

  #read(): Presence {
    const members = [...this.#members.values()];
    return { members, count: this.#unlisted || members.length, guests: this.#guests };
  }

  #apply(event: PresenceEvent): void {
    if (event.type === "members") {
      const { members, count, guests } = event;
      this.#hasList = true;
      this.#members.clear();
      for (const member of members ?? []) this.#members.set(member.id, member);
      this.#unlisted = members === undefined ? count : 0;
      this.#guests = guests;
    } else if (event.type === "changes") for (const change of event.changes) this.#apply(change);
    else if (event.type === "guests") this.#guests = event.guests;
    else if (event.type === "leave") this.#members.delete(event.member.id);
    else this.#members.set(event.member.id, event.member);
  }
}
