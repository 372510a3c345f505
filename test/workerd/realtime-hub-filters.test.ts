import { afterEach, describe, expect, it } from "vitest";
import type { PublishInput, RecordInput } from "../../src/realtime/message.ts";
import type { TestClient } from "../suites/registry/context.ts";
import { Resumes } from "../suites/registry/resume/context.ts";
import { eventually } from "../support/deadline.ts";
import { RecordingSink } from "../support/recording-sink.ts";
import { subscriptionKey } from "../support/subscription-key.ts";
import { closeHubs, openHubs } from "./hubs.ts";

afterEach(closeHubs);

const post = (n: number, more: object = {}): RecordInput => ({
  collection: { name: "posts", hidden: ["secret"] },
  action: "create",
  record: { id: `p${n}`, n, secret: `s${n}`, ...more },
});

/** The ids of the records that a client received under each key. */
function idsUnder(keys: readonly string[], client: TestClient): string[][] {
  const received = client.received() as [string, { record: { id: string } }][];
  return keys.map((key) =>
    received.filter(([event]) => event === key).map(([, { record }]) => record.id),
  );
}

describe("the filters of a hub that wakes", () => {
  it("select as before, for each key and client", async () => {
    const hubs = openHubs();
    const keys = ["n > 1", "n < 3", "unknown = 1", "secret ~ 's'"].map((filter) =>
      subscriptionKey("posts/*", { filter, fields: "id,secret" }),
    );
    const guest = await hubs.connect(keys);
    const admin = await hubs.connect(keys, { isAdmin: true });
    for (const n of [1, 2, 3]) {
      await hubs.publish(post(n));
      await hubs.settle(guest, admin);
      await hubs.evict();
    }
    expect(idsUnder(keys, guest)).toEqual([["p2", "p3"], ["p1", "p2"], [], []]);
    expect(idsUnder(keys, admin)).toEqual([["p2", "p3"], ["p1", "p2"], [], ["p1", "p2", "p3"]]);
    expect(guest.received()[0]?.[1]).toEqual({ action: "create", record: { id: "p1" } });
    expect(admin.received()[0]?.[1]).toEqual({
      action: "create",
      record: { id: "p1", secret: "s1" },
    });
  });

  it("read the previous record of a message that is replayed", async () => {
    const hubs = openHubs();
    const key = subscriptionKey("posts/*", { filter: "n > 1", leave: true });
    const before = await hubs.connect([key]);
    await hubs.publish(post(1));
    await hubs.settle(before);
    const moved: PublishInput = {
      ...post(1),
      action: "update",
      previous: { id: "p1", n: 2, secret: "" },
    };
    await hubs.publish(moved);
    await hubs.evict();
    const sink = new RecordingSink();
    const connection = await hubs.open(0, { topics: [key], last: 5 });
    await connection.attach(sink);
    const left = '{"action":"leave","record":{"id":"p1"}}';
    await eventually(() => sink.events.length >= 1, "the message is replayed");
    expect(sink.events.map(({ data }) => data)).toEqual([left]);
    await hubs.settle(before);
    expect(before.received()).toEqual([[key, JSON.parse(left)]]);
  });

  it("continue a replay between the frames of one message after an eviction", async () => {
    const hubs = openHubs();
    const test = new Resumes(hubs);
    const past = await test.past(["posts"]);
    const filters = ["n > 0", "n > 1", "n > 2", "n > 5"];
    const keys = filters.map((filter) => subscriptionKey("posts/*", { filter }));
    const text = "x".repeat(70_000);
    for (const n of [1, 2, 3]) await hubs.publish(post(n, { text }));
    const sink = new RecordingSink().hold();
    await test.open({ topics: keys, lastEventId: past.clientId }, sink);
    for (let page = 1; page <= 5; page++) {
      await eventually(() => sink.isAwaited, `page ${page} arrives`);
      await hubs.evict();
      sink.takeOnce();
    }
    sink.release();
    await eventually(() => sink.data("PB_RESUME").length === 1, "PB_RESUME");
    const numbers = keys.map((key) =>
      sink.data(key).map((data) => (data as { record: { n: number } }).record.n),
    );
    expect(numbers).toEqual([[1, 2, 3], [2, 3], [3], []]);
    expect(sink.data("PB_RESUME")).toEqual([{ recovered: true, replayed: 3 }]);
    test.letGo();
  });

  it("are refused at subscribe as before, and the client keeps its subscriptions", async () => {
    const hubs = openHubs();
    const key = subscriptionKey("posts/*", { filter: "n > 1" });
    const client = await hubs.connect([key]);
    await hubs.evict();
    const bad = subscriptionKey("posts/*", { filter: "n >" });
    const refused = hubs.subscribe(client, [bad]);
    await expect(refused).rejects.toMatchObject({
      code: "invalid_filter",
      message: expect.stringContaining("Invalid filter at position 3:"),
      fields: { subscriptions: { 0: { code: "validation_invalid_filter" } } },
    });
    await hubs.evict();
    await hubs.publish(post(1), post(2));
    await hubs.settle(client);
    expect(idsUnder([key], client)).toEqual([["p2"]]);
  });
});
