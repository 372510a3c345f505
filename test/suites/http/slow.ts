import { describe, expect, it } from "vitest";
import { publish, readStats, setSubscriptions } from "../../support/api.ts";
import { eventually, within } from "../../support/deadline.ts";
import { openRawStream } from "../../support/raw-client.ts";
import { type RuntimeUnderTest, startService } from "../../support/service.ts";
import { openStream } from "../../support/sse-client.ts";

const KiB = 1024;
/** More than the buffers of both kernels and a limit of 1 MiB. */
const MOST_MESSAGES = 512;

export function slowSuite(runtime: RuntimeUnderTest): void {
  describe("a client that stops reading", () => {
    it("is disconnected beyond its limit, counted and logged once, and delays no other client", async () => {
      const service = await startService(runtime, {
        env: { REALTIME_HISTORY_BYTES: String(1024 * KiB) },
      });
      const { url } = service;
      const slow = await openRawStream(url);
      const well = await openStream(url);
      for (const { clientId } of [slow, well]) await setSubscriptions(url, clientId, ["flood"]);
      slow.socket.pause();
      let sent = 0;
      while ((await readStats(url)).disconnects.slow === 0 && sent < MOST_MESSAGES) {
        const message = { topic: "flood", data: { n: sent, text: "x".repeat(64 * KiB) } };
        const answer = await within(publish(url, message), 20_000, `message ${sent} is taken`);
        expect(answer.status).toBe(200);
        sent += 1;
        await well.receive(sent, `the other client gets ${sent}`);
      }
      expect(await readStats(url)).toMatchObject({
        clients: 1,
        subscriptions: 1,
        disconnects: { slow: 1, stale: 0, client: 0 },
      });
      expect(well.events.map(({ data }) => JSON.parse(data).n)).toEqual(
        Array.from({ length: sent }, (_, n) => n),
      );
      const logged = await eventually(() => {
        const lines = service.logs.filter(({ reason }) => reason === "slow");
        return lines.length > 0 && lines;
      }, "the line is read");
      expect(logged).toEqual([
        expect.objectContaining({ level: "warn", clientId: slow.clientId, ip: "127.0.0.1" }),
      ]);
      slow.socket.resume();
      await eventually(slow.isClosed, "its connection is closed");
      well.close();
      await service.stop();
    });

    it("is disconnected as stale when its buffered bytes do not drain", async () => {
      const env = {
        REALTIME_PING_SECONDS: "0.2",
        REALTIME_STALE_SECONDS: "1",
        REALTIME_MAX_BUFFERED_BYTES: String(64 * KiB * MOST_MESSAGES),
      };
      const service = await startService(runtime, { env });
      const { url } = service;
      const stuck = await openRawStream(url);
      const well = await openStream(url);
      for (const { clientId } of [stuck, well]) await setSubscriptions(url, clientId, ["flood"]);
      stuck.socket.pause();
      // Fill the buffers of both kernels, so that bytes remain in the sink.
      for (let n = 0; n < 160; n++) {
        await publish(url, { topic: "flood", data: "x".repeat(64 * KiB) });
      }
      await eventually(
        async () => (await readStats(url)).disconnects.stale === 1,
        "the client is disconnected as stale",
      );
      expect(await readStats(url)).toMatchObject({
        clients: 1,
        disconnects: { slow: 0, client: 0 },
      });
      stuck.socket.resume();
      await eventually(stuck.isClosed, "its connection is closed");
      await well.receive(160);
      well.close();
      await service.stop();
    });

    it("does not cause a healthy client to be disconnected by a batch larger than its limit", async () => {
      const env = { REALTIME_MAX_BUFFERED_BYTES: String(256 * KiB) };
      const service = await startService(runtime, { env });
      const client = await openStream(service.url);
      await setSubscriptions(service.url, client.clientId, ["batch"]);
      const batch = Array.from({ length: 900 }, () => ({ topic: "batch", data: "x".repeat(KiB) }));
      expect((await publish(service.url, batch)).status).toBe(200);
      await client.receive(900);
      expect((await readStats(service.url)).disconnects.slow).toBe(0);
      client.close();
      await service.stop();
    });
  });
}
