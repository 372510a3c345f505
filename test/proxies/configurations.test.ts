import { EventSource } from "eventsource";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { call, publish } from "../support/api.ts";
import { closeClients } from "../support/clients.ts";
import { eventually, pause } from "../support/deadline.ts";
import { freePort } from "../support/free-port.mjs";
import { CADDY, NGINX, type RunningProxy } from "../support/proxies.ts";
import { NODE, type Service, startService } from "../support/service.ts";
import { openStream } from "../support/sse-client.ts";

// The test creates the proxies' certificates.
process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0";

const ORIGIN = "https://page.example";

/** Node's own default is 5 s. */
const IDLE = 7000;

describe.each([NGINX, CADDY])("$name, as docs/deploy.md configures it", (under) => {
  const env = {
    PORT: "",
    REALTIME_ORIGINS: ORIGIN,
    REALTIME_TRUSTED_PROXY_HEADER: "X-Real-IP",
  };
  let service: Service;
  let proxy: RunningProxy;
  beforeAll(async () => {
    env.PORT = await freePort();
    service = await startService(NODE, { env });
    proxy = await under.start(env.PORT);
  });
  afterAll(async () => {
    closeClients();
    await service.stop();
    await proxy.stop();
  });

  it("passes each message on at once, with the client's address", async () => {
    const client = await openStream(
      proxy.url,
      { headers: { "X-Real-IP": "203.0.113.1" } },
      "?topic=a",
    );
    for (const n of [1, 2, 3]) {
      expect((await publish(proxy.url, { topic: "a", data: n })).status).toBe(200);
      await client.receive(n);
    }
    expect(client.events.map(({ data }) => data)).toEqual(["1", "2", "3"]);
    const noted = service.logs.find(({ clientId }) => clientId === client.clientId);
    expect(noted).toMatchObject({ ip: expect.stringMatching(/^(127\.0\.0\.1|::1)$/) });
    client.close();
  });

  it("reconnects every stream after a restart, with credentials or without, and answers other requests with an error meanwhile", async () => {
    const streams = Array.from({ length: 20 }, () => {
      const heard: string[] = [];
      const source = new EventSource(`${proxy.url}/api/realtime?topic=b`, {
        // A page that sends cookies needs these headers in every response.
        fetch: async (url, init) => {
          const answer = await fetch(url, {
            ...init,
            headers: { ...init?.headers, Origin: ORIGIN },
          });
          const allowed = answer.headers.get("access-control-allow-origin") === ORIGIN;
          const withCookies = answer.headers.get("access-control-allow-credentials") === "true";
          return allowed && withCookies ? answer : new Response(null, { status: 403 });
        },
      });
      source.addEventListener("b", ({ data }) => void heard.push(data));
      return { source, heard };
    });
    const allAre = (state: number) => streams.every(({ source }) => source.readyState === state);
    await eventually(() => allAre(EventSource.OPEN), "all streams are open");
    expect(await service.stop()).toBe(0);
    const away = await call(proxy.url, "/api/realtime", { headers: { Origin: ORIGIN } });
    expect([away.status, away.headers.get("content-type")]).toEqual([200, "text/event-stream"]);
    expect(away.body).toMatch(/^: [^\n]+\nretry: \d000\n\n$/);
    expect(away.headers.get("access-control-allow-origin")).toBe(ORIGIN);
    expect(away.headers.get("vary")).toBe("Origin");
    for (const path of ["/api/health", "/api/health/ready", "/api/realtime/messages?topic=a"]) {
      expect([path, (await call(proxy.url, path)).status >= 502]).toEqual([path, true]);
    }
    expect((await publish(proxy.url, { topic: "b", data: 0 })).status).toBeGreaterThanOrEqual(502);
    const post = await call(proxy.url, "/api/realtime", { method: "POST", body: "{}" });
    expect(post.status).toBeGreaterThanOrEqual(502);
    // Long enough for every page to try once and fail.
    await pause(5500);
    expect(streams.filter(({ source }) => source.readyState === EventSource.CLOSED)).toEqual([]);
    service = await startService(NODE, { env });
    await eventually(() => allAre(EventSource.OPEN), "all streams are open again");
    expect((await call(proxy.url, "/api/health")).status).toBe(200);
    expect((await publish(proxy.url, { topic: "b", data: "back" })).status).toBe(200);
    await eventually(
      () => streams.every(({ heard }) => heard.length === 1),
      "all pages receive the message",
    );
    for (const { source } of streams) source.close();
  });

  it("publishes over connections that were idle for longer than Node's default keep-alive", async () => {
    const publishAll = async () => {
      const all = Array.from({ length: 50 }, (_, n) => publish(proxy.url, { topic: "c", data: n }));
      return (await Promise.all(all)).map(({ status }) => status);
    };
    const good = Array.from({ length: 50 }, () => 200);
    for (const _ of [1, 2]) {
      expect(await publishAll()).toEqual(good);
      await pause(IDLE);
    }
    expect(await publishAll()).toEqual(good);
  });
});
