import { once } from "node:events";
import { connect } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { call, readStats, setSubscriptions } from "../../support/api.ts";
import { closeClients } from "../../support/clients.ts";
import { eventually, pause, within } from "../../support/deadline.ts";
import { leftOut } from "../../support/flags.ts";
import { openRaw, openRawStream } from "../../support/raw-client.ts";
import { type RuntimeUnderTest, type Service, startService } from "../../support/service.ts";
import { openStream } from "../../support/sse-client.ts";

export function connectSuite(runtime: RuntimeUnderTest): void {
  describe("GET /api/realtime", () => {
    let service: Service;
    beforeAll(async () => {
      service = await startService(runtime, { env: { REALTIME_PING_SECONDS: "0.2" } });
    });
    afterEach(closeClients);
    afterAll(() => service.stop());

    const allRemoved = (label: string) =>
      eventually(async () => (await readStats(service.url)).clients === 0, label);

    it("answers with headers that stop proxies from buffering the stream", async () => {
      const client = await openStream(service.url);
      const { headers } = client.response;
      expect(headers.get("content-type")).toBe("text/event-stream");
      expect(headers.get("cache-control")).toBe("no-cache, no-transform");
      expect(headers.get("x-accel-buffering")).toBe("no");
      expect(headers.get("content-encoding")).toBeNull();
      client.close();
      await allRemoved("the client is removed");
    });

    it("writes the exact bytes of the handshake", async () => {
      const client = await openRawStream(service.url);
      expect(client.clientId).toMatch(/^0-[a-z0-9]{10}-\d+\.(?:[a-z0-9]{8}\.)?[\w-]{21}$/);
      const event = `event: PB_CONNECT\ndata: {"clientId":"${client.clientId}"}\nid: ${client.clientId}\n\n`;
      expect(client.text()).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
      if (runtime.ownHead === undefined) {
        expect(client.text()).toMatch(/^connection: keep-alive\r$/im);
      }
      await eventually(() => client.body().length > event.length, "a ping follows");
      expect(client.body().replace(/(: ping\n)+$/, "")).toBe(event);
      client.socket.destroy();
      await allRemoved("the client is removed");
    });

    it("gives every stream a unique client id", async () => {
      const clients = await Promise.all(Array.from({ length: 20 }, () => openStream(service.url)));
      expect(new Set(clients.map(({ clientId }) => clientId)).size).toBe(20);
      expect((await readStats(service.url)).clients).toBe(20);
      for (const client of clients) client.close();
      await allRemoved("all 20 clients are removed");
    });

    it("pings for as long as the client stays", async () => {
      const client = await openStream(service.url);
      await eventually(() => client.comments.length >= 3, "three pings");
      expect(new Set(client.comments)).toEqual(new Set(["ping"]));
      expect(client.events).toEqual([]);
      client.close();
      await allRemoved("the client is removed");
    });

    it("pings with an event as well when the query asks for it", async () => {
      const client = await openStream(service.url, {}, "?ping=event");
      const events = await client.receive(2);
      expect(events[1]).toEqual({ event: "ping", data: "{}", id: undefined });
      expect(client.comments.length).toBeGreaterThanOrEqual(2);
      client.close();
      await allRemoved("the client is removed");
    });

    it("removes the client and its subscriptions at once when the socket closes", async () => {
      const client = await openRawStream(service.url);
      await setSubscriptions(service.url, client.clientId, ["a", "b/*"]);
      expect(await readStats(service.url)).toMatchObject({
        clients: 1,
        subscriptions: 2,
        topics: 2,
      });
      const { disconnects } = await readStats(service.url);
      client.socket.destroy();
      await allRemoved("the client is removed");
      const after = await readStats(service.url);
      expect(after).toMatchObject({ clients: 0, subscriptions: 0, topics: 0 });
      expect(after.disconnects).toEqual({ ...disconnects, client: (disconnects.client ?? 0) + 1 });
    });

    const title = "frames the stream for HTTP/1.0 without chunks";
    it.skipIf(runtime.ownHead !== undefined)(leftOut(title, runtime.ownHead), async () => {
      const client = await openRawStream(service.url, { httpVersion: "1.0" });
      expect(client.text()).not.toMatch(/^transfer-encoding:/im);
      expect(client.text()).toMatch(/\r\n\r\nevent: PB_CONNECT\n/);
      client.socket.destroy();
      await allRemoved("the client is removed");
    });

    it("answers HEAD with the headers and opens no stream", async () => {
      const client = await openRaw(service.url, { method: "HEAD" });
      await client.waitFor(/\r\n\r\n/, "the head");
      expect(client.text()).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
      expect(client.text()).toMatch(/^content-type: text\/event-stream\r$/im);
      expect((await readStats(service.url)).clients).toBe(0);
      client.socket.destroy();
    });

    const pipelined = "detects the end of every stream that was requested on one connection";
    it.skipIf(runtime.isProxied)(leftOut(pipelined, runtime.isProxied), async () => {
      const came = async () => {
        const { clients, disconnects } = await readStats(service.url);
        return clients + (disconnects.client ?? 0);
      };
      const before = await came();
      const { hostname, port, host } = new URL(service.url);
      const socket = connect(Number(port), hostname);
      socket.on("error", () => {});
      await within(once(socket, "connect"), 5000, "the connection");
      socket.write(`GET /api/realtime HTTP/1.1\r\nHost: ${host}\r\n\r\n`.repeat(20));
      await eventually(async () => (await came()) > before, "a client connects");
      // Node opens all of them, workerd one; Bun opens one and closes the connection.
      await pause(200);
      socket.destroy();
      await allRemoved("all clients are removed");
    });

    it("allows pages of any origin, without credentials", async () => {
      const client = await openStream(service.url, { headers: { Origin: "https://example.com" } });
      expect(client.response.headers.get("access-control-allow-origin")).toBe("*");
      expect(client.response.headers.get("access-control-allow-credentials")).toBeNull();
      client.close();
      await allRemoved("the client is removed");
    });
  });

  describe("REALTIME_MAX_STREAM_WRITES", () => {
    it("ends a stream gracefully after this number of writes, and asks its client to reconnect", async () => {
      const env = { REALTIME_MAX_STREAM_WRITES: "3", REALTIME_PING_SECONDS: "0.1" };
      const service = await startService(runtime, { env });
      const client = await openStream(service.url);
      expect(await within(client.ended, 10_000, "the stream ends")).toBe("end");
      // The handshake does not count, so a client makes progress even with one write to a stream.
      expect(client.comments).toEqual(["ping", "ping", "ping"]);
      expect(client.retries).toHaveLength(1);
      expect(client.retries[0]).toBeGreaterThanOrEqual(100);
      expect(client.retries[0]).toBeLessThanOrEqual(1000);
      await eventually(
        async () => (await readStats(service.url)).disconnects.lifetime === 1,
        "the disconnect is counted",
      );
      await service.stop();
    });
  });

  describe("REALTIME_ORIGINS", () => {
    it("allows only pages of the listed origins", async () => {
      const env = { REALTIME_ORIGINS: "https://a.example, https://b.example" };
      const service = await startService(runtime, { env });
      const allowed = async (origin: string) =>
        (await call(service.url, "/api/health", { headers: { Origin: origin } })).headers.get(
          "access-control-allow-origin",
        );
      expect(await allowed("https://a.example")).toBe("https://a.example");
      expect(await allowed("https://b.example")).toBe("https://b.example");
      expect(await allowed("https://c.example")).toBeNull();
      const preflight = await call(service.url, "/api/realtime", {
        method: "OPTIONS",
        headers: {
          Origin: "https://a.example",
          "Access-Control-Request-Method": "POST",
          "Access-Control-Request-Headers": "content-type,authorization",
        },
      });
      expect(preflight.status).toBe(204);
      expect(preflight.headers.get("access-control-allow-origin")).toBe("https://a.example");
      expect(preflight.headers.get("access-control-allow-headers")).toContain("authorization");
      await service.stop();
    });
  });
}
