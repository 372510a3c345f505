import { describe, expect, it } from "vitest";
import { parseCursor } from "../../../../src/realtime/cursor.ts";
import { gapListenerOf, RealtimeManager } from "../../../../src/realtime/manager.ts";
import type { StartPosition } from "../../../../src/realtime/types.ts";
import { eventually } from "../../../support/deadline.ts";
import { ForkingLog } from "../../../support/forking-log.ts";
import { RecordingSink } from "../../../support/recording-sink.ts";

/** The numbers of the messages, and for each PB_RESUME whether the client has recovered. */
type Seen = number | boolean;

function setUp(sliceCost?: number) {
  const log = new ForkingLog();
  const manager = new RealtimeManager({}, sliceCost);
  manager.follow(log, gapListenerOf(manager, log));
  let clients = 0;
  const connect = (start: StartPosition = {}, sink = new RecordingSink(), keys = ["a"]) => {
    const clientId = `c${++clients}`;
    manager.registerClient(clientId, sink);
    manager.setSubscriptions(clientId, { subscriptions: keys, ...start });
    return sink;
  };
  return { log, manager, connect };
}

function seenBy(sink: RecordingSink): Seen[] {
  return sink.events.map(({ event, data }) => {
    const parsed = JSON.parse(data);
    return event === "PB_RESUME" ? (parsed.recovered as boolean) : (parsed as number);
  });
}

const idAt = (sink: RecordingSink, index: number) => sink.events.at(index)?.id ?? "";

describe("a gap in the log", () => {
  it("is told to live clients between the messages before and after it", async () => {
    const { log, manager, connect } = setUp();
    const sink = connect();
    log.append("a", "a", "a");
    log.fork(1);
    log.append("a");
    expect(seenBy(sink)).toEqual([0, 1, 2, false, 3]);
    expect(parseCursor(idAt(sink, 3))).toMatchObject({ sequence: 1 });
    expect(parseCursor(idAt(sink, 4))).toMatchObject({ sequence: 2 });
    log.jump("a", "a");
    log.append("a");
    expect(seenBy(sink)).toEqual([0, 1, 2, false, 3, false, 6]);
    expect(manager.stats()).toMatchObject({ unrecovered: 2, recovered: 0 });
  });

  it("follows the messages of deliveries that are unfinished", async () => {
    const { log, connect, manager } = setUp(1);
    const sinks = Array.from({ length: 20 }, () => connect());
    log.append("a", "a");
    expect(manager.settled()).toBeDefined();
    log.fork(1);
    log.append("a");
    await manager.settled();
    for (const sink of sinks) expect(seenBy(sink)).toEqual([0, 1, false, 2]);
  });

  it("removes a client that is too slow, and tells the others", () => {
    const { log, connect } = setUp();
    const [slow, fast] = [connect({}, new RecordingSink(1)), connect()];
    log.append("a");
    log.fork(0);
    expect(slow.closings).toEqual(["slow"]);
    expect(seenBy(fast)).toEqual([0, false]);
  });

  it("is not told to a client without subscriptions", () => {
    const { log, connect, manager } = setUp();
    log.append("a");
    const sink = connect({}, new RecordingSink(), []);
    log.fork(0);
    expect(sink.frames).toEqual([]);
    expect(manager.stats().unrecovered).toBe(0);
  });

  it("is told once for each of several gaps in a row", () => {
    const { log, connect } = setUp();
    const sink = connect();
    log.append("a", "a", "a");
    log.fork(2);
    log.fork(1);
    log.jump("a");
    log.append("a");
    expect(seenBy(sink)).toEqual([0, 1, 2, false, false, false, 4]);
  });

  it("lets a client resume exactly from any event after it, and refuses ids of lost messages", async () => {
    const { log, connect } = setUp();
    const sink = connect();
    log.append("a", "a", "a");
    log.fork(1);
    log.append("a", "a");
    const resumed = async (id: string) => {
      const resuming = connect({ lastEventId: id });
      await eventually(() => seenBy(resuming).some((one) => typeof one === "boolean"), "PB_RESUME");
      return seenBy(resuming);
    };
    expect(await resumed(idAt(sink, 0))).toEqual([3, 4, true]);
    expect(await resumed(idAt(sink, 1))).toEqual([false]);
    expect(await resumed(idAt(sink, 2))).toEqual([false]);
    expect(await resumed(idAt(sink, 3))).toEqual([3, 4, true]);
    expect(await resumed(idAt(sink, 4))).toEqual([4, true]);
    expect(await resumed(idAt(sink, 5))).toEqual([true]);
  });
});

describe("a gap during a replay", () => {
  /** A client that resumes from the beginning. It reads one page of 1000 messages, and then no more. */
  function setUpReplay() {
    const parts = setUp();
    const first = parts.log.cursor();
    parts.log.append(...Array(1500).fill("a"));
    const sink = parts.connect({ lastEventId: first }, new RecordingSink().hold());
    expect(seenBy(sink)).toHaveLength(1000);
    return { ...parts, sink };
  }

  it("after the client's position does not affect the client", async () => {
    const { log, sink } = setUpReplay();
    log.fork(1200);
    log.append("a");
    sink.release();
    await sink.receive(1202);
    const numbers = Array.from({ length: 1200 }, (_, index) => index);
    expect(seenBy(sink)).toEqual([...numbers, 1500, true]);
  });

  it("before the client's position makes the client continue with live messages", async () => {
    const { log, sink, manager } = setUpReplay();
    log.fork(900);
    expect(seenBy(sink).slice(1000)).toEqual([false]);
    log.append("a");
    sink.release();
    await sink.receive(1002);
    expect(seenBy(sink).slice(999)).toEqual([999, false, 1500]);
    expect(parseCursor(idAt(sink, 1000))).toMatchObject({ sequence: 900 });
    expect(manager.stats()).toMatchObject({ recovered: 0, unrecovered: 1 });
  });

  it("that skips messages is told when the replay reaches it", async () => {
    const { log, sink } = setUpReplay();
    log.jump("a");
    log.append("a");
    expect(seenBy(sink)).toHaveLength(1000);
    sink.release();
    await sink.receive(1001);
    log.append("a");
    await sink.receive(1002);
    expect(seenBy(sink).slice(1000)).toEqual([false, 1502]);
  });

  it("makes the client ignore a page that was read before the gap", async () => {
    const { log, connect } = setUp();
    const first = log.cursor();
    log.append("a", "a", "a");
    log.isAsync = () => true;
    const sink = connect({ lastEventId: first });
    log.fork(1);
    log.append("a", "a");
    await sink.receive(4);
    expect(seenBy(sink)).toEqual([0, 3, 4, true]);
  });

  it("while it searches for the newest messages makes it search the log after the gap", async () => {
    const { log, connect } = setUp();
    log.append("a", "a", "a", "a");
    log.isAsync = () => true;
    const sink = connect({ last: 2 });
    log.fork(3);
    await sink.receive(2);
    log.append("a");
    await sink.receive(3);
    expect(seenBy(sink)).toEqual([1, 2, 4]);
  });
});
