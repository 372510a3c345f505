import { afterEach, describe, expect, it } from "vitest";
import { createMemoryLog } from "../../src/log/memory.ts";
import { RealtimeManager } from "../../src/realtime/manager.ts";
import { MAX_SEARCHED } from "../../src/realtime/replay/newest-search.ts";
import { createInProcessRegistry } from "../../src/registry/in-process/registry.ts";
import { LOST, ResumesOpener, shown } from "../suites/registry/resume/context.ts";
import { eventually } from "../support/deadline.ts";
import { RecordingSink } from "../support/recording-sink.ts";

const PAGEFUL = "x".repeat(70_000);

function openerOf(messages: number) {
  const log = () => createMemoryLog({ history: { messages, bytes: 1e9 } });
  return new ResumesOpener(() =>
    createInProcessRegistry({ manager: new RealtimeManager(), log: log() }),
  );
}

describe("replay at the edges of a history", () => {
  const [full, off, large, small] = [openerOf(20), openerOf(0), openerOf(1000), openerOf(4)];
  afterEach(async () => {
    for (const opener of [full, off, large, small]) await opener.closeAll();
  });

  it("a client that asked for the newest messages of a quiet topic misses nothing while other topics push the history forward", async () => {
    const test = await full.open();
    await test.publish("quiet", 1);
    // A page each. After eight pages without a matching message, the replay checks that the client still reads.
    await test.publish("busy", ...Array.from({ length: 19 }, () => PAGEFUL));
    const sink = new RecordingSink().hold();
    const stream = await test.open({ topics: ["quiet"], last: 5 }, sink);
    for (let round = 0; round < 2; round++) {
      await eventually(() => sink.isAwaited, "the search for the newest messages starts");
      await test.publish("busy", PAGEFUL, PAGEFUL);
      sink.takeOnce();
    }
    sink.release();
    await test.publish("quiet", 2);
    await eventually(() => sink.data("quiet").includes(2), "the client is live");
    expect(shown(stream)).toEqual(["quiet 2"]);
    expect(await test.test.registry.stats()).toMatchObject({ recovered: 0, unrecovered: 0 });
  });

  it("keys with messages that are still in the history repeat nothing when a new key has lost its position", async () => {
    const test = await full.open();
    const past = await test.past(["chat"], 0);
    const sink = new RecordingSink().hold();
    const key = 'chat?options={"query":{"last":5}}';
    const stream = await test.open({ topics: [key] }, sink);
    await eventually(() => sink.data(key).length === 1, "the newest message arrives");
    for (let number = 1; number <= 30; number++) await test.publish("chat", number);
    // The position of the new key has left the history. What the other key has received must not be repeated.
    await test.subscribe(stream, [key, "other"], { lastEventId: past.sink.events[0]?.id });
    await test.publish("chat", 31);
    sink.release();
    await eventually(() => sink.data(key).at(-1) === 31, "the client is live");
    expect(sink.data(key)).toEqual(Array.from({ length: 32 }, (_, number) => number));
  });

  it("a client is notified again when the history moves past its position a second time", async () => {
    const test = await small.open();
    const keys = ["*", "chat", 'chat?options={"n":"a"}', 'chat?options={"n":"b"}'];
    const past = await test.past(keys, 1);
    await test.publish("chat", PAGEFUL, 3, 4, 5);
    const sink = new RecordingSink().hold();
    // Two of the keys have the first message, and it has left the history. The other keys have missed it.
    const lastEventId = past.sink.events[1]?.id;
    const stream = await test.open({ topics: keys, lastEventId }, sink);
    await eventually(() => sink.isAwaited, "the next message arrives under one key");
    expect(sink.data("PB_RESUME")).toEqual([{ recovered: false }]);
    await test.publish("chat", 6);
    sink.release();
    await eventually(
      () => sink.data("PB_RESUME").length === 2,
      "the other key is reported as unrecovered",
    );
    await test.publish("chat", 7);
    await test.until(stream);
    for (const key of keys) expect(sink.data(key)).toContain(7);
  });

  it("a client that asks for the newest messages of a log without a history starts live", async () => {
    const test = await off.open();
    const sink = new RecordingSink();
    sink.bufferedBytes = 100;
    await test.open({ topics: ["chat"], last: 5 }, sink);
    await test.publish("chat", 1);
    await sink.receive(1);
    expect(sink.data("chat")).toEqual([1]);
    expect(sink.data("PB_RESUME")).toEqual([]);
  });

  it("a key that is added between two keys of one message gets that message too", async () => {
    const test = await large.open();
    const past = await test.past(["first"]);
    await test.publish("chat", PAGEFUL);
    const sink = new RecordingSink().hold();
    const lastEventId = past.clientId;
    const resumed = ['chat?options={"n":"b"}', 'chat?options={"n":"c"}'];
    const stream = await test.open({ topics: resumed, lastEventId }, sink);
    await eventually(() => sink.isAwaited, "the message arrives under the first key");
    expect(sink.events).toHaveLength(1);
    // The new key sorts before or after the first one, depending on its hash.
    const keys = [...resumed, "chat", 'chat?options={"n":"a"}', 'chat?options={"n":"z"}', "*"];
    await test.subscribe(stream, keys, { lastEventId });
    sink.release();
    await eventually(() => sink.data("PB_RESUME").length === 1, "the client is live");
    const names = sink.events.map(({ event }) => event);
    expect(names.slice(0, -1).toSorted()).toEqual(keys.toSorted());
  });

  for (const gone of [false, true]) {
    const how = gone ? "a key that has the message is removed" : "a key is added";
    it(`a message is not repeated under keys that have it when ${how} before the first page`, async () => {
      const test = await large.open();
      const keys = ["*", "chat", 'chat?options={"n":"a"}', 'chat?options={"n":"b"}'];
      const past = await test.past(keys, 1);
      const [first, second, third, last] = past.sink.events;
      const sink = new RecordingSink();
      // The sink is still writing the handshake, so no page has been read.
      sink.bufferedBytes = 100;
      const stream = await test.open({ topics: keys, lastEventId: second?.id }, sink);
      const left = gone ? keys.filter((key) => key !== second?.event) : [...keys, "other"];
      await test.subscribe(stream, left);
      sink.bufferedBytes = 0;
      await eventually(() => sink.data("PB_RESUME").length === 1, "the client is live");
      expect(first?.event).not.toBe(second?.event);
      expect(sink.events.slice(0, -1).map(({ event }) => event)).toEqual([
        third?.event,
        last?.event,
      ]);
    });
  }

  it("a client that removes its keys in the middle of a replay has a cursor again", async () => {
    const test = await large.open();
    await test.publish("other", PAGEFUL, PAGEFUL);
    const sink = new RecordingSink().hold();
    const stream = await test.open({ topics: ["chat"] }, sink);
    await test.subscribe(stream, ["chat", "other"], { last: 2 });
    await eventually(() => sink.isAwaited, "the first page arrives");
    await test.subscribe(stream, []);
    const cursor = /event: PB_CURSOR\ndata: {}\nid: (\S+)\n\n$/.exec(sink.text)?.[1];
    expect(cursor).toBe(stream.connection.resumeCursor());
  });

  it("a client that sends an unknown cursor is notified, even if no key was to start from it", async () => {
    const test = await large.open();
    const stream = await test.open({ topics: ["chat"] });
    await test.subscribe(stream, ["chat"], { lastEventId: "garbage" });
    expect(await test.until(stream)).toEqual([LOST]);
  });

  it("an event id between the keys of a message names the right place after erased messages", async () => {
    const log = createMemoryLog();
    const manager = new RealtimeManager();
    manager.follow(log);
    const start = log.cursor();
    const message = (id: string, topic: string) => ({
      id,
      topics: [topic],
      data: "1",
      private: false,
    });
    await log.append([message("1", "gone"), message("2", "gone"), message("3", "chat")]);
    await log.erase("gone");
    const read = (clientId: string, lastEventId: string) => {
      const sink = new RecordingSink();
      manager.registerClient(clientId, sink);
      manager.setSubscriptions(clientId, { subscriptions: ["chat", "*"], lastEventId });
      return sink.events.filter(({ event }) => event !== "PB_RESUME");
    };
    const [first, second] = read("whole", start);
    expect(first?.id).toMatch(/-2~/);
    // A client that has received only the first of the two events.
    expect(read("half", first?.id ?? "")).toEqual([second]);
  });

  it("a search for the newest messages looks at no more than 10,000 messages to the topics of the keys", async () => {
    const log = createMemoryLog({ history: { messages: 50_000 } });
    const manager = new RealtimeManager();
    manager.follow(log);
    const message = (id: string, topic: string, n: number) => {
      return { id, topics: [topic], data: JSON.stringify({ n }), private: false };
    };
    const append = async (topic: string, count: number, n: number) => {
      const messages = Array.from({ length: count }, (_, i) =>
        message(`${topic}${n}${i}`, topic, n),
      );
      await log.append(messages);
    };
    await append("chat", 1, 1);
    await append("other", 20_000, 2);
    await append("chat", MAX_SEARCHED - 1, 2);
    const key = `chat?options=${encodeURIComponent('{"query":{"filter":"n = 1","last":1}}')}`;
    const newest = async (clientId: string) => {
      const sink = new RecordingSink();
      manager.registerClient(clientId, sink);
      manager.setSubscriptions(clientId, { subscriptions: [key] });
      await eventually(() => manager.resumeCursorOf(clientId) === log.cursor(), "it is live");
      return sink.data(key);
    };
    expect(await newest("found")).toEqual([{ n: 1 }]);
    await append("chat", 1, 3);
    expect(await newest("not found")).toEqual([]);
  });

  it("a flood to one topic does not hide the newest messages of the client's quiet topic", async () => {
    const log = createMemoryLog({
      history: { messages: MAX_SEARCHED },
      topics: [{ match: "quiet", keep: 3 }],
    });
    const manager = new RealtimeManager();
    manager.follow(log);
    const append = (topic: string, count: number) =>
      log.append(
        Array.from({ length: count }, (_, i) => {
          return { id: `${topic}${i}`, topics: [topic], data: String(i), private: false };
        }),
      );
    await append("quiet", 3);
    await append("flood", MAX_SEARCHED + 1);
    const options = encodeURIComponent('{"query":{"filter":"n = -1"}}');
    // The search for "flood" ends at once. The search for the key with a filter looks at every message of the flood.
    for (const flood of ["flood", `flood?options=${options}`]) {
      const sink = new RecordingSink();
      manager.registerClient(flood, sink);
      manager.setSubscriptions(flood, { subscriptions: [flood, "quiet"], last: 3 });
      await eventually(() => manager.resumeCursorOf(flood) === log.cursor(), "it is live");
      expect(sink.data("quiet")).toEqual([0, 1, 2]);
    }
  });

  it("an event id between the keys of a message names the same place for a client that comes back with envelopes", async () => {
    const log = createMemoryLog();
    const manager = new RealtimeManager();
    manager.follow(log);
    const start = log.cursor();
    await log.append([{ id: "1", topics: ["chat"], data: "1", private: false }]);
    const keys = [1, 2, 3, 4, 5, 6].map((n) => `chat?options={"query":{"n":${n}}}`);
    const read = async (lastEventId: string | undefined, envelope: boolean) => {
      const sink = new RecordingSink();
      const clientId = `${lastEventId} ${envelope}`;
      manager.registerClient(clientId, sink, { envelope });
      manager.setSubscriptions(clientId, { subscriptions: keys, lastEventId });
      await eventually(() => sink.events.at(-1)?.event === "PB_RESUME", "the replay ends");
      return sink.events.filter(({ event = "" }) => keys.includes(event));
    };
    const events = await read(start, false);
    expect(events).toHaveLength(keys.length);
    for (const [index, { id }] of events.entries()) {
      const rest = await read(id, true);
      const names = (list: typeof events) => list.map(({ event }) => event);
      expect(names(rest)).toEqual(names(events.slice(index + 1)));
    }
  });
});
