import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createClientWorld } from "../../support/client-world.ts";
import { eventually } from "../../support/deadline.ts";
import { numbers } from "../../support/numbered.ts";
import { seededRandom } from "../../support/random.ts";
import type { RuntimeUnderTest } from "../../support/service.ts";
import { startProxy } from "../../support/tcp-proxy.ts";

export function gapTests(runtime: RuntimeUnderTest): void {
  describe("a history of ten messages", () => {
    const world = createClientWorld(runtime, { REALTIME_HISTORY_MESSAGES: "10" });
    beforeAll(world.start);
    afterAll(() => world.stop());

    it("is enough for a short cut, and causes one gap after a long one", async () => {
      const proxy = await startProxy({ target: world.service.url, random: seededRandom(1) });
      const client = world.open({ url: proxy.url });
      const order: (number | string)[] = [];
      const noted = ({ data }: { data: unknown }) => order.push((data as { n: number }).n);
      client.realtime.on("gap", () => order.push("gap"));
      client.realtime.subscribe("few", noted);
      await client.connected();
      const post = (from: number, to: number) =>
        world.post(...numbers(from, to).map((n) => ({ topic: "few", data: { n } })));
      await post(1, 1);
      await eventually(() => order.length === 1, "the first message arrives");
      // The proxy leads nowhere, so the client can't come back before the messages are published.
      const cutFor = async (publish: () => Promise<void>) => {
        proxy.retarget("http://127.0.0.1:1");
        proxy.cutRandom(100);
        await publish();
        proxy.retarget(world.service.url);
      };
      await cutFor(() => post(2, 6));
      await eventually(() => order.length === 6, "the missed messages arrive");
      expect(client.gaps()).toBe(0);
      await cutFor(() => post(7, 26));
      await eventually(() => client.gaps() === 1, "there is a gap");
      await client.connected();
      await post(27, 27);
      await eventually(() => order.at(-1) === 27, "live messages arrive");
      expect(order).toEqual([1, 2, 3, 4, 5, 6, "gap", 27]);
      await proxy.close();
    });
  });
}
