import type { Member, Presence } from "./types.ts";

/** An event of `$presence/<topic>` (docs/presence.md, "Which events are there?"). */
type PresenceEvent =
  | { type: "members"; members?: Member[]; count: number; guests: number }
  | { type: "join" | "update"; member: Member }
  | { type: "leave"; member: Member }
  | { type: "guests"; guests: number }
  | { type: "changes"; changes: PresenceEvent[] };

/** Follows the members of one topic. @returns a function that takes the events of `$presence/<topic>`. */
export function followMembers(onChange: (presence: Presence) => void): (event: unknown) => void {
  const members = new Map<string, Member>();
  /** The newest list. The first list already contains earlier changes. */
  let list: { members?: Member[]; count: number } | undefined;
  let guests = 0;
  const apply = (event: PresenceEvent) => {
    const { type } = event;
    if (type === "changes") event.changes.forEach(apply);
    else if (type === "leave") members.delete(event.member.id);
    else if ("member" in event) members.set(event.member.id, event.member);
    else {
      guests = event.guests;
      if (event.type === "guests") return;
      list = event;
      members.clear();
      for (const member of event.members ?? []) members.set(member.id, member);
    }
  };
  return (event) => {
    apply(event as PresenceEvent);
    if (list === undefined) return;
    // A large topic has no list of members.
    const count = list.members ? members.size : list.count;
    onChange({ members: [...members.values()], count, guests });
  };
}
