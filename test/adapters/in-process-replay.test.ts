import { afterEach, describe, expect, it } from "vitest";
import { createMemoryLog } from "../../src/log/memory.ts";
import { RealtimeManager } from "../../src/realtime/manager.ts";
import { createInProcessRegistry } from "../../src/registry/in-process/registry.ts";
import { idsOf, LOST, ResumesOpener, recovered, shown } from "../suites/registry/resume/context.ts";
import { eventually, within } from "../support/deadline.ts";
import { RecordingSink } from "../support/recording-sink.ts";

const PAGEFUL = "x".repeat(70_000);

function openerOf(messages: number) {
  const log = () => createMemoryLog({ history: { messages, bytes: 1e9 } });
  return new ResumesOpener(() =>
    createInProcessRegistry({ manager: new RealtimeManager(), log: log() }),
  );
}

describe("a replay in one process", () => {
  const [large, small] = [openerOf(100_000), openerOf(3)];
  afterEach(async () => {
    await large.closeAll();
    await small.closeAll();
  });

  it("gives 100,000 messages in order when the history has them", async () => {
    const test = await large.open();
    const { clientId } = await test.past(["chat"]);
    for (let from = 1; from <= 100_000; from += 1000) {
      await test.publish("chat", ...Array.from({ length: 1000 }, (_, index) => from + index));
    }
    const { sink } = await test.open({ topics: ["chat"], lastEventId: clientId });
    await sink.receive(100_001);
    const wrong = sink.data("chat").findIndex((data, index) => data !== index + 1);
    expect(wrong).toBe(-1);
    expect(sink.data("PB_RESUME")).toEqual([{ recovered: true, replayed: 100_000 }]);
  });

  it("is completed when the registry closes in the middle of it", async () => {
    const test = await large.open();
    const past = await test.past(["chat"]);
    for (const number of [1, 2, 3]) await test.publish("chat", `${number}${PAGEFUL}`);
    const live = await test.open({ topics: ["chat"] });
    const sink = new RecordingSink().hold();
    const stream = await test.open({ topics: ["chat"], lastEventId: past.clientId }, sink);
    await eventually(() => sink.isAwaited, "the first page arrives");
    const closing = test.test.registry.close();
    expect(await live.sink.ended()).toBe("shutdown");
    expect(sink.closings).toEqual([]);
    sink.release();
    await within(closing, 5000, "the registry closes");
    const got = shown(stream).map((line) => line.replaceAll("x", ""));
    expect(got).toEqual(['chat "1"', 'chat "2"', 'chat "3"', recovered(3)]);
    expect(sink.closings).toEqual(["shutdown"]);
    expect(sink.framesAfterClose).toBe(0);
  });

  it("sends PB_RESUME with `recovered: false` when the history moves past it, and continues live", async () => {
    const test = await small.open();
    const past = await test.past(["chat"]);
    for (const number of [1, 2, 3]) await test.publish("chat", `${number}${PAGEFUL}`);
    const sink = new RecordingSink().hold();
    const stream = await test.open({ topics: ["chat"], lastEventId: past.clientId }, sink);
    await eventually(() => sink.isAwaited, "the first page arrives");
    await test.publish("chat", 4, 5);
    sink.release();
    await eventually(() => sink.data("PB_RESUME").length === 1, "PB_RESUME arrives");
    const got = (await test.until(stream)).map((line) => line.replaceAll("x", ""));
    expect(got).toEqual(['chat "1"', LOST]);
    const stats = await test.test.registry.stats();
    expect(stats).toMatchObject({ replayed: 1, recovered: 0, unrecovered: 1 });
    expect(idsOf(stream)[1]).toMatch(/\./);
  });
});
