import { afterEach, beforeEach, expect, it } from "vitest";
import { eventually } from "../support/deadline.ts";
import { leftOut } from "../support/flags.ts";
import { createSDKWorld, type SDKWorld } from "../support/sdk-client.ts";
import type { RuntimeUnderTest } from "../support/service.ts";

/** The official SDK's subscriptions when the service stops and starts again. */
export function restarting(runtime: RuntimeUnderTest): void {
  let world: SDKWorld;
  beforeEach(async () => {
    world = createSDKWorld(runtime);
    await world.start();
  });
  afterEach(async () => {
    await world.leave();
    await world.stop();
  });

  it.each([
    ["SIGTERM", 0],
    ["SIGKILL", null],
  ] as const)("reconnects, subscribes again and receives after %s", async (signal, code) => {
    const client = await world.open();
    const { realtime } = client.pb;
    const lost: string[][] = [];
    realtime.onDisconnect = (active) => void lost.push(active);
    await client.subscribe("PB_CONNECT");
    await client.subscribe("news");
    await client.subscribe("news", { query: { a: "1" } }, "options");
    await client.subscribeRecords("posts", "*", "posts");
    const oldId = realtime.clientId;
    expect(await world.stop(signal)).toBe(code);
    await eventually(() => !realtime.isConnected, "the SDK noticed the end");
    expect(lost.map((active) => active.length)).toEqual([5]);
    await world.start();
    await eventually(() => client.noted.length > 0, "PB_CONNECT after the restart");
    expect(realtime.clientId).not.toBe(oldId);
    expect(await world.stats()).toMatchObject({ clients: 1, subscriptions: 5 });

    const event = { action: "update", record: { id: "r1" } };
    await world.post({ topic: "news", data: "after" });
    await world.post({ collection: "posts", ...event });
    // Sorted, because the order of the keys of one message is not specified.
    expect((await client.heard()).toSorted()).toEqual([
      ["PB_CONNECT", { clientId: realtime.clientId }],
      ["news", "after"],
      ["options", "after"],
      ["posts", event],
    ]);
  });

  const lastWords = "receives every message that was accepted before SIGTERM";
  it.skipIf(runtime.noStop !== undefined)(leftOut(lastWords, runtime.noStop), async () => {
    const client = await world.open();
    await client.subscribe("last-words");
    const expected = Array.from({ length: 500 }, (_, n) => ["last-words", { n }]);
    await world.post(expected.map(([topic, data]) => ({ topic, data })));
    await world.stop("SIGTERM");
    await eventually(() => !client.pb.realtime.isConnected, "the SDK noticed the end");
    expect(client.noted).toEqual(expected);
  });
}
