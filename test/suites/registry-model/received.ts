import { expect } from "vitest";
import { parseCursor } from "../../../src/realtime/cursor.ts";
import type { ClientConnection } from "../../../src/registry/registry.ts";
import type { RecordingSink } from "../../support/recording-sink.ts";

/** A client of one of the two registries. */
export interface End {
  readonly connection: ClientConnection;
  readonly sink: RecordingSink;
}

/** An event in the order of arrival: position in the log, event name, data. */
type Received = readonly [position: number | undefined, event: string | undefined, data: string];

/**
 * Expects that a client has the reference's events, in the reference's order and with the same positions in the log.
 *
 * @param isCut The client left before everything had arrived, so its events may end early.
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

/** Every cursor names the client's shard, and the same epoch of its log. */
function expectOneLog({ connection, sink }: End): void {
  const [shard] = connection.clientId.split("-");
  const cursors = sink.events.map(({ id = "" }) => parseCursor(id));
  const logs = new Set(cursors.map((cursor) => `shard ${cursor?.shard}, epoch ${cursor?.epoch}`));
  expect(logs.size, [...logs].join("; ")).toBeLessThanOrEqual(1);
  for (const cursor of cursors) expect(cursor?.shard).toBe(Number(shard));
}

/** The events may end between two keys of one message, so only the positions are compared in order. */
function expectBeginning(received: readonly Received[], expected: readonly Received[]): void {
  const positions = (of: readonly Received[]) => of.map(([position]) => position);
  expect(positions(received)).toEqual(positions(expected).slice(0, received.length));
  const left = expected.map((one) => JSON.stringify(one));
  for (const one of received) {
    const at = left.indexOf(JSON.stringify(one));
    expect(at, `${JSON.stringify(one)} is expected, once`).toBeGreaterThanOrEqual(0);
    left.splice(at, 1);
  }
}

/** The sequence of the message that was delivered with this id. */
function positionOf(id: string): number | undefined {
  const cursor = parseCursor(id);
  return cursor?.keyHash === undefined ? cursor?.sequence : cursor.sequence + 1;
}

/** A message is sent once for each matching key of a client, in unspecified order. This function sorts these events by name. */
function receivedAt({ sink }: End): readonly Received[] {
  let message = 0;
  return sink.events
    .map(({ id = "", event = "", data: sent }, index, events) => {
      // Each registry has its own log, and accepts a message at another time.
      const data = sent.replace(/^({"topic":"[^"]*","id":"[^"]*","at":")[^"]*/, "$1");
      // All events of a message except the last have the cursor before the message. An event that was sent to this client only
      // has a suffix.
      const isOwn = (text = "") => text.includes(".");
      const before = events[index - 1]?.id;
      const isSame =
        before !== undefined &&
        !isOwn(before) &&
        !isOwn(id) &&
        positionOf(before) === positionOf(id);
      if (index > 0 && !isSame) message += 1;
      return { message, event, received: [positionOf(id), event, data] as const };
    })
    .toSorted((one, other) => one.message - other.message || (one.event < other.event ? -1 : 1))
    .map(({ received }) => received);
}
