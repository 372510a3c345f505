import type {
  Member,
  MembersEvent,
  PresenceChange,
  PresenceEvent,
} from "../../realtime/presence/presence.ts";
import type { LogEntry } from "../../realtime/types.ts";

/** Applies the events of a presence topic to its members, as a subscriber does. */
export function foldPresence(members: MembersEvent, entries: readonly LogEntry[]): MembersEvent {
  return entries.reduce((state, { message }) => {
    // The cast: the service writes the events of presence topics.
    const event = JSON.parse(message.data) as PresenceEvent;
    if (event.type === "members") return event;
    return (event.type === "changes" ? event.changes : [event]).reduce(applyChange, state);
  }, members);
}

function applyChange(state: MembersEvent, change: PresenceChange): MembersEvent {
  if (change.type === "guests") return { ...state, guests: change.guests };
  // If the members of a topic are counted, each change is an event of the type `members`.
  if (state.members === undefined) return state;
  const { member } = change;
  const others = state.members.filter(({ id }) => id !== member.id);
  const members: Member[] = change.type === "leave" ? others : [...others, member];
  members.sort((one, other) => one.since - other.since);
  return { ...state, members, count: members.length };
}
