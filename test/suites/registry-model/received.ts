import { expect } from "vitest";
import { parseCursor } from "../../../src/realtime/cursor.ts";
import type { ClientConnection } from "../../../src/registry/registry.ts";
import type { RecordingSink } from "../../support/recording-sink.ts";

/** A client at one registry. */
export interface End {
  readonly connection: ClientConnection;
  readonly sink: RecordingSink;
}

/** What arrived, in its order: place in the log, event name, data. */
type Received = readonly [place: number | undefined, event: string | undefined, data: string];

/**
 * A client has what the reference gave it, in the reference's order and at the same places of the log.
 *
 * @param isCut It left with something on its way: what it has may end early.
 */
export function expectSameReceived(got: End, wanted: End, isCut: boolean): void {
  const received = receivedAt(got);
  const expected = receivedAt(wanted);
  if (isCut) expectBeginning(received, expected);
  else expect(received).toEqual(expected);
  expect(got.sink.closings).toEqual(wanted.sink.closings);
  expect(got.sink.framesAfterClose, "frames after the sink was closed").toBe(0);
  expect(got.sink.faults).toEqual([]);
  expectOneLog(got);
}

/** Every cursor names the client's shard, and one life of its log. */
function expectOneLog({ connection, sink }: End): void {
  const [shard] = connection.clientId.split("-");
  const cursors = sink.events.map(({ id = "" }) => parseCursor(id));
  const logs = new Set(cursors.map((cursor) => `shard ${cursor?.shard}, life ${cursor?.epoch}`));
  expect(logs.size, [...logs].join("; ")).toBeLessThanOrEqual(1);
  for (const cursor of cursors) expect(cursor?.shard).toBe(Number(shard));
}

/** The end may fall between two keys of one message, so only places are in order there. */
function expectBeginning(received: readonly Received[], expected: readonly Received[]): void {
  const places = (of: readonly Received[]) => of.map(([place]) => place);
  expect(places(received)).toEqual(places(expected).slice(0, received.length));
  const left = expected.map((one) => JSON.stringify(one));
  for (const one of received) {
    const at = left.indexOf(JSON.stringify(one));
    expect(at, `${JSON.stringify(one)} is expected, once`).toBeGreaterThanOrEqual(0);
    left.splice(at, 1);
  }
}

/** The sequence of the message that an id was delivered with. */
function placeOf(id: string): number | undefined {
  const cursor = parseCursor(id);
  return cursor?.keyHash === undefined ? cursor?.sequence : cursor.sequence + 1;
}

/** One message goes out under each key of a client that it matches, in no promised order: here by name. */
function receivedAt({ sink }: End): readonly Received[] {
  let message = 0;
  return sink.events
    .map(({ id = "", event = "", data }, index, events) => {
      // Until its last key, a message is named by the place before it; an event of the client's own has a suffix.
      const isOwn = (text = "") => text.includes(".");
      const before = events[index - 1]?.id;
      const isSame =
        before !== undefined && !isOwn(before) && !isOwn(id) && placeOf(before) === placeOf(id);
      if (index > 0 && !isSame) message += 1;
      return { message, event, received: [placeOf(id), event, data] as const };
    })
    .toSorted((one, other) => one.message - other.message || (one.event < other.event ? -1 : 1))
    .map(({ received }) => received);
}
