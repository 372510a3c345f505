import { afterEach, describe, expect, it } from "vitest";
import { createMemoryLog } from "../../src/log/memory.ts";
import { RealtimeManager } from "../../src/realtime/manager.ts";
import { createInProcessRegistry } from "../../src/registry/in-process/registry.ts";
import { LOST, ResumesOpener, recovered, shown } from "../suites/registry/resume/context.ts";
import { eventually } from "../support/deadline.ts";
import { RecordingSink } from "../support/recording-sink.ts";

const PAGEFUL = "x".repeat(70_000);

const LAST = (topic: string, last: number) => `${topic}?options={"query":{"last":${last}}}`;

function openerOf(messages: number) {
  const topics = [{ match: "chat/*", keep: 5 }];
  const log = () => createMemoryLog({ history: { messages, bytes: 1e9 }, topics });
  return new ResumesOpener(() =>
    createInProcessRegistry({ manager: new RealtimeManager(), log: log() }),
  );
}

describe("a replay of messages that topic rules keep", () => {
  const [small, large] = [openerOf(4), openerOf(25)];
  afterEach(async () => {
    for (const opener of [small, large]) await opener.closeAll();
  });

  it("begins with the newest messages of each key, oldest first, beside a flood", async () => {
    const test = await small.open();
    await test.publish("chat/1", 1, 2, 3);
    await test.publish("chat/2", 4);
    await test.publish("flood", ...Array.from({ length: 100 }, (_, number) => number));
    const stream = await test.open({ topics: ["chat/1", LAST("chat/*", 3)], last: 2 });
    await test.publish("chat/1", 5);
    await eventually(() => stream.sink.data("chat/1").includes(5), "the client is live");
    expect(stream.sink.data("chat/1")).toEqual([2, 3, 5]);
    expect(stream.sink.data(LAST("chat/*", 3))).toEqual([2, 3, 4, 5]);
    expect(stream.sink.data("PB_RESUME")).toEqual([]);
  });

  it("does not make a resume past the limits complete, although all messages of the key are kept", async () => {
    const test = await small.open();
    const past = await test.past(["chat/1"]);
    await test.publish("chat/1", 1);
    await test.publish("flood", 1, 2, 3, 4);
    const lost = await test.open({ topics: ["chat/1"], lastEventId: past.clientId });
    await eventually(() => lost.sink.data("PB_RESUME").length > 0, "the loss is told");
    await test.publish("chat/1", 2);
    await eventually(() => lost.sink.data("chat/1").includes(2), "the client is live");
    expect(shown(lost)).toEqual([LOST, "chat/1 2"]);
  });

  it("is complete for a resume within the limits", async () => {
    const test = await small.open();
    const past = await test.past(["chat/1"]);
    await test.publish("chat/1", 1);
    await test.publish("flood", 1, 2, 3);
    const stream = await test.open({ topics: ["chat/1"], lastEventId: past.clientId });
    await eventually(() => stream.sink.data("PB_RESUME").length > 0, "the client is live");
    expect(shown(stream)).toEqual(["chat/1 1", recovered(1)]);
  });

  it("goes on when a key is added in the middle", async () => {
    const test = await small.open();
    for (const number of [1, 2, 3]) await test.publish("chat/1", `${number}${PAGEFUL}`);
    await test.publish("flood", 1, 2, 3, 4);
    const sink = new RecordingSink().hold();
    const stream = await test.open({ topics: ["chat/1"], last: 3 }, sink);
    await eventually(() => sink.data("chat/1").length === 1, "the first page arrives");
    await test.subscribe(stream, ["chat/1", "other"]);
    sink.release();
    await eventually(() => sink.data("chat/1").length === 3, "the last page arrives");
    expect(sink.data("PB_RESUME")).toEqual([]);
  });

  it("is given up and told when the history loses messages that came after its start", async () => {
    const test = await small.open();
    for (const number of [1, 2, 3]) await test.publish("chat/1", `${number}${PAGEFUL}`);
    await test.publish("flood", 1, 2, 3, 4);
    const sink = new RecordingSink().hold();
    await test.open({ topics: ["chat/1"], last: 3 }, sink);
    await eventually(() => sink.data("chat/1").length === 1, "the first page arrives");
    await test.publish("chat/1", 4);
    await test.publish("flood", 1, 2, 3, 4);
    sink.release();
    await eventually(() => sink.data("PB_RESUME").length === 1, "the loss is told");
    await test.publish("chat/1", 5);
    await eventually(() => sink.data("chat/1").includes(5), "the client is live");
    expect(sink.data("chat/1").slice(1)).toEqual([5]);
  });

  it("keeps what a key's search has found when a key is added while another key is still searched", async () => {
    const test = await large.open();
    // A page each. The search pauses after eight pages without a frame.
    await test.publish("chat/1", ...Array.from({ length: 12 }, () => PAGEFUL));
    await test.publish("flood", 1);
    const keys = [LAST("flood", 1), LAST("silent", 1)];
    const sink = new RecordingSink().hold();
    const stream = await test.open({ topics: keys }, sink);
    await eventually(() => sink.isAwaited, "the search pauses");
    await test.subscribe(stream, [...keys, "other"]);
    sink.release();
    await eventually(() => sink.data(LAST("flood", 1)).length === 1, "the message arrives");
  });

  it("tells a live client of a loss that happened while its keys were added and removed", async () => {
    const test = await small.open();
    const key = LAST("chat/*", 4);
    const sink = new RecordingSink();
    const stream = await test.open({ topics: [key, "other"] }, sink);
    sink.bufferedBytes = 100;
    sink.hold();
    await test.subscribe(stream, [key, "other", LAST("silent", 1)]);
    await test.subscribe(stream, [key, "other"]);
    await test.publish("chat/1", 1, 2, 3, 4, 5, 6);
    await test.subscribe(stream, [key]);
    sink.bufferedBytes = 0;
    sink.release();
    await test.publish("chat/1", 7);
    await eventually(() => sink.data(key).includes(7), "the client is live");
    expect(sink.data("PB_RESUME")).toEqual([{ recovered: false }]);
  });
});
