/** Streams and members for the tests of presence on hubs. */
import type { Member, MembersEvent, PresenceEvent } from "../../src/realtime/presence/presence.ts";
import type { Principal } from "../../src/realtime/types.ts";
import type { ClientConnection } from "../../src/registry/registry.ts";
import { eventually } from "../support/deadline.ts";
import { RecordingSink } from "../support/recording-sink.ts";
import type { HubsUnderTest } from "./hubs.ts";

export interface Stream {
  readonly connection: ClientConnection;
  readonly sink: RecordingSink;
}

/** Opens a stream on a shard. */
export async function openOn(
  hubs: HubsUnderTest,
  shard: number,
  topics: readonly string[],
  principal: Principal = {},
): Promise<Stream> {
  const connection = await hubs.open(shard, { ...principal, topics });
  const sink = new RecordingSink();
  await connection.attach(sink);
  return { connection, sink };
}

/** Opens a stream that watches the members of a topic. */
export function watch(hubs: HubsUnderTest, shard: number, topic = "chat/1"): Promise<Stream> {
  return openOn(hubs, shard, [`$presence/${topic}`], { identity: "watcher", rights: ["*"] });
}

/** The changes that a stream has received: `join ann`, `guests 1` and so on. */
export function told({ sink }: Pick<Stream, "sink">): string[] {
  return sink.events
    .filter(({ event }) => event?.startsWith("$presence/"))
    .flatMap(({ data }) => linesOf(JSON.parse(data)));
}

function linesOf(event: PresenceEvent): string[] {
  if (event.type === "members") {
    return [`members ${(event.members ?? []).map(({ id }) => id)} and ${event.guests} guests`];
  }
  const changes = event.type === "changes" ? event.changes : [event];
  return changes.map((change) =>
    change.type === "guests" ? `guests ${change.guests}` : `${change.type} ${change.member.id}`,
  );
}

/** Rebuilds the members from the events of a stream, as a client does. */
export function rebuild({ sink }: Stream): { members: Member[]; guests: number } {
  const members = new Map<string, Member>();
  let guests = 0;
  for (const { event, data } of sink.events) {
    if (!event?.startsWith("$presence/")) continue;
    const parsed: PresenceEvent = JSON.parse(data);
    if (parsed.type === "members") {
      members.clear();
      for (const member of parsed.members ?? []) members.set(member.id, member);
      guests = parsed.guests;
      continue;
    }
    for (const change of parsed.type === "changes" ? parsed.changes : [parsed]) {
      if (change.type === "guests") guests = change.guests;
      else if (change.type === "leave") members.delete(change.member.id);
      else members.set(change.member.id, change.member);
    }
  }
  return { members: [...members.values()], guests };
}

/** The members of a topic, as a shard has them. */
export async function membersOf(
  hubs: HubsUnderTest,
  shard: number,
  topic = "chat/1",
): Promise<MembersEvent> {
  const result = await hubs.stub(shard).members(topic);
  if (!result.ok) throw new Error(result.message);
  return result.value;
}

/** Waits until a shard has exactly these members and guests. */
export async function knows(
  hubs: HubsUnderTest,
  shard: number,
  ids: readonly string[],
  guests = 0,
): Promise<void> {
  await eventually(async () => {
    const event = await membersOf(hubs, shard);
    const known = (event.members ?? []).map(({ id }) => id).toSorted();
    return `${known} ${event.guests}` === `${ids.toSorted()} ${guests}`;
  }, `shard ${shard} knows ${ids} and ${guests} guests`);
}

/** Whether the hub accepts the reports of the others from now on. */
export function setReachable(
  hubs: HubsUnderTest,
  shard: number,
  isReachable: boolean,
): Promise<void> {
  return hubs.inside((hub) => {
    hub.isUnreachable = !isReachable;
  }, shard);
}
