import { expect, it } from "vitest";
import type { ConnectOptions, Publication } from "../../../src/client/types.ts";
import { ADMIN_KEY } from "../../support/api.ts";
import type { ClientWorld } from "../../support/client-world.ts";
import { numbers } from "../../support/numbered.ts";
import { inSeconds, tokenFor } from "../../support/tokens.ts";

const RIGHTS = { publish: ["out/*"] };

export function publishTests(world: ClientWorld): void {
  it("publishes one message or a list, and returns their ids", async () => {
    const client = world.open({ token: () => tokenFor("anna", RIGHTS) });
    const out = client.collect("out/*");
    await client.connected();
    const [id] = await client.realtime.publish({ topic: "out/1", data: { n: 1 } });
    const ids = await client.realtime.publish([
      { topic: "out/1", data: { n: 2 }, id: "own" },
      { topic: "out/2", data: { n: 3 }, ttl: 60 },
    ]);
    await out.receive(3);
    expect(out.numbers()).toEqual([1, 2, 3]);
    expect(ids[0]).toBe("own");
    expect(out.messages.map((message) => message.id)).toEqual([id, ...ids]);
  });

  it("publishes again with the same ids after a cut answer, 503, 502 and 429", async () => {
    let requests = 0;
    const refuse = (status: number) => new Response("{}", { status });
    const flaky: ConnectOptions["fetch"] = async (url, init) => {
      if (!url.endsWith("/messages")) return fetch(url, init);
      requests += 1;
      if (requests === 1) return refuse(503);
      if (requests === 2) return refuse(429);
      const response = await fetch(url, init);
      if (requests === 3) return refuse(502);
      if (requests === 4) throw new TypeError("The answer is cut.");
      return response;
    };
    const client = world.open({ token: () => ADMIN_KEY, fetch: flaky });
    const again = client.collect("again");
    await client.connected();
    const ids = await client.realtime.publish([
      { topic: "again", data: { n: 1 } },
      { topic: "again", data: { n: 2 } },
    ]);
    await client.realtime.publish({ topic: "again", data: { n: 3 } });
    await again.receive(3);
    expect(again.numbers()).toEqual([1, 2, 3]);
    expect(again.messages.slice(0, 2).map(({ id }) => id)).toEqual(ids);
    expect(requests).toBe(6);
  });

  it("fetches the token again when the service refuses it, without a stream", async () => {
    const tokens = [tokenFor("anna", {}, { exp: inSeconds(-5) }), tokenFor("anna", RIGHTS)];
    const { realtime } = world.open({ token: () => tokens.shift() });
    const message = { topic: "out/3", data: 1, id: undefined } as object as Publication;
    expect(await realtime.publish(message)).toEqual([expect.stringMatching(/^\d+-/)]);
    expect(tokens).toEqual([]);
  });

  it("reads the history in pages", async () => {
    await world.post(
      ...numbers(1, 5).map((n) => ({
        topic: `past/${n}`,
        data: { n, text: "x" },
        id: `past-${n}`,
      })),
    );
    const { realtime } = world.open();
    const newest = await realtime.history("past/*", { limit: 2, fields: "n" });
    expect(newest.messages.map(({ topic, data, id }) => [topic, data, id])).toEqual([
      ["past/4", { n: 4 }, "past-4"],
      ["past/5", { n: 5 }, "past-5"],
    ]);
    expect(newest.more).toBe(true);
    const before = newest.messages[0]?.cursor ?? "";
    const older = await realtime.history("past/*", { limit: 10, before, filter: "n > 1" });
    expect(older.messages.map(({ data }) => (data as { n: number }).n)).toEqual([2, 3]);
    expect(older.more).toBe(false);
    const after = older.messages[0]?.cursor ?? "";
    const later = await realtime.history("past/*", { after });
    expect(later.messages.map(({ id }) => id)).toEqual(["past-3", "past-4", "past-5"]);
  });
}
