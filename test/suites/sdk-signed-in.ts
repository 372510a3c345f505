/** The official PocketBase SDK with a token in its auth store, and a second one without a token. */
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { eventually, pause } from "../support/deadline.ts";
import { createSDKWorld, type SDKWorld } from "../support/sdk-client.ts";
import type { RuntimeUnderTest } from "../support/service.ts";
import { JWT_SECRET, tokenFor } from "../support/tokens.ts";
import { SDK_RULES, signedInRecords } from "./sdk-records.ts";

function signedInWorld(runtime: RuntimeUnderTest): SDKWorld {
  const world = createSDKWorld(runtime, {
    REALTIME_JWT_SECRET: JWT_SECRET,
    REALTIME_AUTH_GRACE_SECONDS: "0.2",
    REALTIME_RULES: JSON.stringify(SDK_RULES),
  });
  beforeAll(world.start);
  afterEach(world.leave);
  afterAll(() => world.stop());
  return world;
}

/** A token that expires while the SDK is connected. The test waits for several seconds. */
export function expiringToken(runtime: RuntimeUnderTest): void {
  const world = signedInWorld(runtime);

  it("stays connected as a guest when its token has expired, receives PB_AUTH_EXPIRED, and does not reconnect in a loop", async () => {
    const exp = Math.floor(Date.now() / 1000) + 3;
    const client = await world.open(await tokenFor("anna", { subscribe: ["*"] }, { exp }));
    const { connects } = await world.stats();
    await client.subscribe("PB_AUTH_EXPIRED");
    await client.subscribe("chat");
    // First the user's stream ends after the grace. The next stream is a guest's, and stays open.
    await eventually(() => client.noted.length >= 2, "the client receives PB_AUTH_EXPIRED twice");
    expect(client.noted).toEqual([
      ["PB_AUTH_EXPIRED", { closesIn: 200 }],
      ["PB_AUTH_EXPIRED", {}],
    ]);
    // Regression: the SDK opened a stream about once a second, and got 401 each time.
    await pause(4000);
    expect((await world.stats()).connects).toBe(connects + 1);
    await world.post([
      { topic: "chat", data: 1, private: true },
      { topic: "chat", data: 2 },
    ]);
    expect((await client.heard()).slice(2)).toEqual([["chat", 2]]);
    client.pb.authStore.save(await tokenFor("anna", { subscribe: ["*"] }));
    await client.subscribe("news");
    await world.post({ topic: "chat", data: 3, private: true });
    expect((await client.heard()).slice(3)).toEqual([["chat", 3]]);
  });
}

export function signedIn(runtime: RuntimeUnderTest): void {
  const world = signedInWorld(runtime);
  signedInRecords(world);

  it("receives private messages that a guest does not receive", async () => {
    const anna = await world.open(await tokenFor("anna", { subscribe: ["posts/*", "chat"] }));
    const guest = await world.open();
    for (const client of [anna, guest]) {
      await client.subscribe("chat");
      await client.subscribeRecords("posts", "*", "posts");
    }
    const record = { id: "r1", title: "private" };
    await world.post([
      { topic: "chat", data: { n: 1 }, private: true },
      { topic: "chat", data: { n: 2 } },
      { collection: "posts", action: "create", record, private: true },
    ]);
    expect(await anna.heard()).toEqual([
      ["chat", { n: 1 }],
      ["chat", { n: 2 }],
      ["posts", { action: "create", record }],
    ]);
    expect(await guest.heard()).toEqual([["chat", { n: 2 }]]);
  });

  it("can sign in while it is connected, and receives private messages from then on", async () => {
    const client = await world.open();
    await client.subscribe("chat");
    await world.post({ topic: "chat", data: { n: 1 }, private: true });
    client.pb.authStore.save(await tokenFor("anna", { subscribe: ["*"] }));
    // The SDK sends its token with its next subscription.
    await client.subscribe("news");
    await world.post({ topic: "chat", data: { n: 2 }, private: true });
    expect(await client.heard()).toEqual([["chat", { n: 2 }]]);
  });

  it("connects as a guest with an expired token, and receives PB_AUTH_EXPIRED", async () => {
    const client = await world.open(await tokenFor("anna", {}, { exp: 1_700_000_000 }));
    await client.subscribe("PB_AUTH_EXPIRED");
    await eventually(() => client.noted.length > 0, "the client receives PB_AUTH_EXPIRED");
    for (const notice of client.noted) expect(notice).toEqual(["PB_AUTH_EXPIRED", {}]);
  });
}
