import { once } from "node:events";
import { connect } from "node:net";
import { describe, expect, it } from "vitest";
import { postJSON, publish, setSubscriptions } from "../../support/api.ts";
import { eventually, within } from "../../support/deadline.ts";
import { openRawStream } from "../../support/raw-client.ts";
import { type RuntimeUnderTest, startService } from "../../support/service.ts";
import { openStream } from "../../support/sse-client.ts";

export function stopSuite(runtime: RuntimeUnderTest): void {
  describe("a graceful stop", () => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      it(`on ${signal} asks every client to reconnect later, ends its stream, and exits with 0`, async () => {
        const service = await startService(runtime);
        const clients = await Promise.all(
          Array.from({ length: 20 }, () => openStream(service.url)),
        );
        expect(await service.stop(signal)).toBe(0);
        for (const client of clients) {
          expect(await within(client.ended, 5000, "the stream ends")).toBe("end");
          expect(client.retries).toHaveLength(1);
          expect(client.retries[0]).toBeGreaterThanOrEqual(1000);
          expect(client.retries[0]).toBeLessThanOrEqual(5000);
        }
        expect(new Set(clients.map(({ retries }) => retries[0])).size).toBeGreaterThan(10);
        expect(service.logs.map(({ msg }) => msg)).toContain("stopped");
      });
    }

    it("writes every accepted message before it ends the streams", async () => {
      const service = await startService(runtime);
      const client = await openStream(service.url);
      await setSubscriptions(service.url, client.clientId, ["last"]);
      const batch = Array.from({ length: 500 }, (_, n) => ({
        topic: "last",
        data: { n, text: "x".repeat(1000) },
      }));
      expect((await publish(service.url, batch)).status).toBe(200);
      expect(await service.stop()).toBe(0);
      expect(await within(client.ended, 5000, "the stream ends")).toBe("end");
      expect(client.events.map(({ data }) => JSON.parse(data).n)).toEqual(
        Array.from({ length: 500 }, (_, n) => n),
      );
    });

    it("writes the remaining messages to a slow reader, once it reads again", async () => {
      const env = { REALTIME_MAX_BUFFERED_BYTES: "33554432" };
      const service = await startService(runtime, { env });
      const behind = await openRawStream(service.url);
      await setSubscriptions(service.url, behind.clientId, ["flood"]);
      behind.socket.pause();
      for (let n = 0; n < 160; n++) {
        await publish(service.url, { topic: "flood", data: `<${n}>${"x".repeat(64 * 1024)}` });
      }
      const stopped = service.stop();
      await eventually(
        () => service.logs.some(({ msg }) => msg === "stopping"),
        "the service starts to stop",
      );
      behind.socket.resume();
      expect(await stopped).toBe(0);
      await eventually(behind.isClosed, "the stream ends");
      const numbers = [...behind.body().matchAll(/<(\d+)>/g)].map(([, n]) => Number(n));
      expect(numbers).toEqual(Array.from({ length: 160 }, (_, n) => n));
      expect(behind.body()).toMatch(/\nretry: \d+\n\n$/);
      expect(behind.text()).toMatch(/\r\n0\r\n\r\n$/);
    });

    it("is not delayed by a connection without a request", async () => {
      const service = await startService(runtime, { env: { REALTIME_DRAIN_SECONDS: "3600" } });
      const { hostname, port } = new URL(service.url);
      const socket = connect(Number(port), hostname);
      socket.on("error", () => {});
      await within(once(socket, "connect"), 5000, "the connection");
      expect(await service.stop()).toBe(0);
      socket.destroy();
    });

    it("asks new streams to reconnect and refuses messages with 503 while it waits, and exits by its deadline", async () => {
      const env = { REALTIME_DRAIN_SECONDS: "3", REALTIME_MAX_BUFFERED_BYTES: "33554432" };
      const service = await startService(runtime, { env });
      const stuck = await openRawStream(service.url);
      await setSubscriptions(service.url, stuck.clientId, ["flood"]);
      stuck.socket.pause();
      for (let n = 0; n < 160; n++) {
        await publish(service.url, { topic: "flood", data: "x".repeat(64 * 1024) });
      }
      const stopped = service.stop();
      await eventually(
        () => service.logs.some(({ msg }) => msg === "stopping"),
        "the service starts to stop",
      );
      const refused = await fetch(`${service.url}/api/realtime`);
      expect(refused.status).toBe(200);
      expect(refused.headers.get("content-type")).toBe("text/event-stream");
      expect(await refused.text()).toMatch(/^: The server is stopping\..*\nretry: [1-5]\d{3}\n\n$/);
      expect((await publish(service.url, { topic: "a", data: 1 })).status).toBe(503);
      expect((await postJSON(service.url, "/api/realtime", { clientId: "x" })).status).toBe(404);
      expect(await stopped).toBe(0);
      stuck.socket.destroy();
    });
  });
}
