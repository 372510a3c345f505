import { describe, expect, it } from "vitest";
import { RealtimeManager } from "../../../src/realtime/manager.ts";
import { CLOSE_REASONS } from "../../../src/realtime/types.ts";
import { connect, entry } from "../../support/manager-under-test.ts";
import { RecordingSink } from "../../support/recording-sink.ts";

describe("delivery", () => {
  for (const size of [1, 100, 1000]) {
    it(`gives ${size} clients of one key one and the same frame`, async () => {
      const manager = new RealtimeManager();
      const sinks = Array.from({ length: size }, (_, index) =>
        connect(manager, `${index}`, ["chat"]),
      );
      const other = connect(manager, "other", ["news"]);
      const entries = [entry("chat", { n: 1 }), entry("news", 2), entry("chat", { n: 3 })];
      manager.deliver(entries);
      await manager.settled();
      const [first] = sinks;
      expect(first?.events).toEqual([
        { event: "chat", data: '{"n":1}', id: entries[0]?.cursor },
        { event: "chat", data: '{"n":3}', id: entries[2]?.cursor },
      ]);
      for (const { frames } of sinks) {
        expect(frames).toHaveLength(2);
        // The same object and not an equal one: it was encoded once.
        expect(frames[0] === first?.frames[0] && frames[1] === first?.frames[1]).toBe(true);
      }
      expect(other.data()).toEqual([2]);
      expect(manager.stats().delivered).toBe(2 * size + 1);
    });
  }

  it("makes a frame for each key, named by the key", () => {
    const manager = new RealtimeManager();
    const keys = ["chat/1", "chat/*", "chat/1?options={}", 'chat/1?options={"query":{}}'];
    const sink = connect(manager, "a", keys);
    const before = entry("nobody has it", 1);
    const delivered = entry("chat/1", 1);
    manager.deliver([before, delivered]);
    expect(sink.events.map(({ event }) => event).sort()).toEqual([...keys].sort());
    // A client can resume from each id, so a cut between two deliveries repeats none and misses none.
    expect(new Set(sink.events.map(({ id }) => id)).size).toBe(sink.events.length);
    expect(sink.events.at(-1)?.id).toBe(delivered.cursor);
    for (const { id } of sink.events.slice(0, -1)) {
      expect(id).toMatch(new RegExp(`^${before.cursor}~\\w+$`));
    }
  });

  it("continues when clients are too slow, whichever they are", async () => {
    const manager = new RealtimeManager();
    const sinks = Array.from({ length: 9 }, (_, index) =>
      connect(manager, `${index}`, ["chat"], new RecordingSink(index % 3 === 0 ? 1 : 10)),
    );
    manager.deliver([entry("chat", 1), entry("chat", 2), entry("chat", 3)]);
    await manager.settled();
    for (const [index, sink] of sinks.entries()) {
      const isSlow = index % 3 === 0;
      expect(sink.closings).toEqual(isSlow ? ["slow"] : []);
      expect(sink.data()).toEqual(isSlow ? [1] : [1, 2, 3]);
    }
    expect(manager.stats()).toMatchObject({ clients: 6, delivered: 3 + 6 * 3 });
    expect(manager.stats().disconnects.slow).toBe(3);
  });

  it("removes a slow client with several matching keys once", () => {
    const manager = new RealtimeManager();
    const sink = connect(manager, "a", ["chat", "*", "chat?options={}"], new RecordingSink(0));
    manager.deliver([entry("chat", 1), entry("chat", 2)]);
    expect(sink.closings).toEqual(["slow"]);
    expect(sink.framesAfterClose).toBe(0);
    expect(manager.stats()).toMatchObject({
      clients: 0,
      subscriptions: 0,
      topics: 0,
      delivered: 0,
      replayed: 0,
      recovered: 0,
      unrecovered: 0,
    });
  });

  it("keeps private messages from guests", () => {
    const manager = new RealtimeManager();
    const sink = connect(manager, "a", ["chat", "*"]);
    manager.deliver([entry("chat", 1, true), entry("chat", 2)]);
    expect(sink.data("chat")).toEqual([2]);
    expect(sink.events).toHaveLength(2);
  });

  it("of a message without subscribers does nothing", () => {
    const manager = new RealtimeManager();
    manager.deliver([]);
    manager.deliver([entry("chat", 1)]);
    expect(manager.stats()).toEqual({
      clients: 0,
      subscriptions: 0,
      topics: 0,
      keyBudget: { used: 0, limit: 0, characters: 0, charactersLimit: 0, refused: 0 },
      queuedBytes: 0,
      connects: 0,
      delivered: 0,
      replayed: 0,
      recovered: 0,
      unrecovered: 0,
      disconnects: Object.fromEntries(CLOSE_REASONS.map((reason) => [reason, 0])),
    });
  });
});
