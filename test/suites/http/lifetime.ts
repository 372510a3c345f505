import { describe, expect, it } from "vitest";
import { publish, readStats, setSubscriptions } from "../../support/api.ts";
import { eventually, pause, within } from "../../support/deadline.ts";
import { openRawStream } from "../../support/raw-client.ts";
import { type RuntimeUnderTest, startService } from "../../support/service.ts";
import { openStream } from "../../support/sse-client.ts";

/** Long-lived and short-lived streams. */
export function lifetimeSuite(runtime: RuntimeUnderTest): void {
  describe("an idle stream", () => {
    it("stays open for longer than a runtime's own idle timeout (Bun: 10 s)", async () => {
      const service = await startService(runtime, { env: { REALTIME_PING_SECONDS: "60" } });
      const client = await openStream(service.url);
      await setSubscriptions(service.url, client.clientId, ["a"]);
      await pause(12_000);
      expect(client.comments).toEqual([]);
      await publish(service.url, { topic: "a", data: "still here" });
      expect((await client.receive(1))[0]?.data).toBe('"still here"');
      client.close();
      await service.stop();
    });
  });

  describe("many clients that connect and disconnect", () => {
    it("leave no clients or subscriptions behind", async () => {
      const service = await startService(runtime);
      for (let round = 0; round < 5; round++) {
        const clients = await Promise.all(
          Array.from({ length: 100 }, () => openRawStream(service.url)),
        );
        await Promise.all(
          clients.map(({ clientId }) => setSubscriptions(service.url, clientId, ["a", clientId])),
        );
        expect(await readStats(service.url)).toMatchObject({ clients: 100, subscriptions: 200 });
        for (const { socket } of clients) socket.destroy();
        await eventually(
          async () => (await readStats(service.url)).clients === 0,
          `round ${round} is gone`,
        );
      }
      expect(await readStats(service.url)).toMatchObject({
        clients: 0,
        subscriptions: 0,
        topics: 0,
        disconnects: { client: 500, slow: 0, stale: 0, error: 0 },
      });
      expect(await within(service.stop(), 10_000, "the service stops")).toBe(0);
    });
  });
}
