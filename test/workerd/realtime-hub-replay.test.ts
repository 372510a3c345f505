import { afterEach, describe, expect, it } from "vitest";
import { idsOf, Resumes, recovered, shown } from "../suites/registry/resume/context.ts";
import { eventually } from "../support/deadline.ts";
import { RecordingSink } from "../support/recording-sink.ts";
import { closeHubs, openHubs } from "./hubs.ts";

const PAGEFUL = "x".repeat(70_000);

afterEach(closeHubs);

describe("a hub that is evicted in the middle of a replay", () => {
  it("continues at the client's position, message by message and key by key", async () => {
    const hubs = openHubs();
    const test = new Resumes(hubs);
    const past = await test.past(["chat"]);
    for (const number of [1, 2, 3]) await test.publish("chat", `${number}${PAGEFUL}`);
    const sink = new RecordingSink().hold();
    const request = { topics: ["*", "chat"], lastEventId: past.clientId };
    const stream = await test.open(request, sink);
    for (let page = 1; page < 6; page++) {
      await eventually(() => sink.isAwaited, `page ${page} arrives`);
      await hubs.evict();
      sink.takeOnce();
    }
    sink.release();
    await eventually(() => sink.data("PB_RESUME").length === 1, "PB_RESUME");
    const got = shown(stream).map((line) => line.replaceAll("x", ""));
    // "chat" comes before "*": keys are in the order of their hashes.
    const all = [1, 2, 3].flatMap((number) => [`chat "${number}"`, `* "${number}"`]);
    expect(got).toEqual([...all, recovered(3)]);
    expect(new Set(idsOf(stream)).size).toBe(7);
    test.letGo();
  });

  it("continues its search for the newest messages and finds all of them", async () => {
    const hubs = openHubs();
    const test = new Resumes(hubs);
    await test.publish("chat", 1, 2, 3, 4);
    // More pages without a matching message than one time slice reads.
    const pages = Array.from({ length: 9 }, () => PAGEFUL);
    await test.publish("other", ...pages);
    await test.publish("chat", 5);
    await test.publish("other", ...pages);
    const sink = new RecordingSink().hold();
    const stream = await test.open({ topics: ["chat"], last: 3 }, sink);
    await eventually(() => sink.isAwaited, "the search for the newest messages starts");
    sink.takeOnce();
    await eventually(() => sink.isAwaited, "the search continues");
    await hubs.evict();
    sink.release();
    expect(await test.until(stream)).toEqual(["chat 3", "chat 4", "chat 5"]);
    test.letGo();
  });

  it("still has the cursor that was stored for the client's first subscriptions", async () => {
    const hubs = openHubs();
    const test = new Resumes(hubs);
    const past = await test.past(["chat"], 1, 2);
    const stream = await test.open({ lastEventId: idsOf(past)[0] });
    await hubs.evict();
    await test.subscribe(stream, ["chat"]);
    expect(await test.until(stream)).toEqual(["chat 2", recovered(1)]);
    test.letGo();
  });
});
