import { afterEach, describe, expect, it } from "vitest";
import { Resumes } from "../suites/registry/resume/context.ts";
import { eventually } from "../support/deadline.ts";
import { RecordingSink } from "../support/recording-sink.ts";
import { closeHubs, openHubs } from "./hubs.ts";

const PAGEFUL = "x".repeat(70_000);

afterEach(closeHubs);

/** The topic and the start of the data of each message, without the events of the service. */
function received({ events }: RecordingSink): unknown[] {
  return events
    .filter(({ event = "" }) => !event.startsWith("PB_"))
    .map(({ event, data }) => {
      const { topic, data: inner } = JSON.parse(data) as { topic: string; data: string };
      return [event, topic, inner.slice(0, 1)];
    });
}

describe("a stream with envelopes on a hub that wakes", () => {
  it("has envelopes under the keys that it had, and under those of later requests", async () => {
    const hubs = openHubs();
    const test = new Resumes(hubs);
    const stream = await test.open({ topics: ["chat/*"], envelope: true });
    const bare = await test.open({ topics: ["chat/*"] });
    await hubs.evict();
    await test.publish("chat/1", "1");
    await stream.sink.receive(1);
    await hubs.evict();
    expect(await hubs.registry.client(stream.clientId)).toMatchObject({
      subscriptions: ["chat/*"],
    });
    await test.subscribe(stream, ["chat/*", "*"]);
    await hubs.evict();
    await test.publish("chat/2", "2");
    await stream.sink.receive(3);
    const [first, ...rest] = received(stream.sink);
    expect(first).toEqual(["chat/*", "chat/1", "1"]);
    // A message comes under several keys in the order of their hashes.
    expect(rest).toHaveLength(2);
    expect(rest).toEqual(
      expect.arrayContaining(["*", "chat/*"].map((key) => [key, "chat/2", "2"])),
    );
    await bare.sink.receive(2);
    expect(bare.sink.data()).toEqual(["1", "2"]);
    test.letGo();
  });

  it("continues a replay between two events of one message", async () => {
    const hubs = openHubs();
    const test = new Resumes(hubs);
    const past = await test.past(["chat"]);
    for (const number of [1, 2, 3]) await test.publish("chat/1", `${number}${PAGEFUL}`);
    const sink = new RecordingSink().hold();
    const topics = ["*", "chat/*"];
    await test.open({ topics, envelope: true, lastEventId: past.clientId }, sink);
    for (let page = 1; page < 6; page++) {
      await eventually(() => sink.isAwaited, `page ${page} arrives`);
      await hubs.evict();
      sink.takeOnce();
    }
    sink.release();
    await eventually(() => sink.data("PB_RESUME").length === 1, "PB_RESUME");
    const came = received(sink);
    for (const key of topics) {
      expect(came.filter((one) => (one as string[])[0] === key)).toEqual(
        ["1", "2", "3"].map((number) => [key, "chat/1", number]),
      );
    }
    expect(came).toHaveLength(6);
    expect(sink.data("PB_RESUME")).toEqual([{ recovered: true, replayed: 3 }]);
    test.letGo();
  });
});
