/** The official PocketBase SDK with a token in its auth store, beside one without. */
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { createSDKWorld } from "../support/sdk-client.ts";
import type { RuntimeUnderTest } from "../support/service.ts";
import { JWT_SECRET, tokenFor } from "../support/tokens.ts";

export function signedIn(runtime: RuntimeUnderTest): void {
  const world = createSDKWorld(runtime, { REALTIME_JWT_SECRET: JWT_SECRET });
  beforeAll(world.start);
  afterEach(world.leave);
  afterAll(() => world.stop());

  it("receives private messages that a guest beside it does not", async () => {
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

  it("signs in while it is connected: private messages come from then on", async () => {
    const client = await world.open();
    await client.subscribe("chat");
    await world.post({ topic: "chat", data: { n: 1 }, private: true });
    client.pb.authStore.save(await tokenFor("anna", { subscribe: ["*"] }));
    // The SDK tells the service who it is with its next subscription.
    await client.subscribe("news");
    await world.post({ topic: "chat", data: { n: 2 }, private: true });
    expect(await client.heard()).toEqual([["chat", { n: 2 }]]);
  });

  it("is refused with a token that has expired, and is told so", async () => {
    const expired = await tokenFor("anna", {}, { exp: 1_700_000_000 });
    await expect(world.open(expired)).rejects.toMatchObject({ status: 401 });
  });
}
