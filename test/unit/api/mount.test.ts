import { Hono } from "hono";
import { cors } from "hono/cors";
import { describe, expect, it } from "vitest";
import { createServer } from "../../../src/api/server.ts";
import { RealtimeError } from "../../../src/index.ts";
import { nodeRuntime } from "../../../src/node.ts";

const ORIGIN = "https://app.example.com";

describe("a service that is mounted in an app", () => {
  it("leaves the addresses of operation to the app, with and without a route of the app's own", async () => {
    const app = new Hono();
    app.route("/", createServer({ adminKey: "the-key-of-this-app" }).app);
    app.get("/metrics", (c) => c.text("mine"));
    app.get("/api/health", (c) => c.text("mine"));
    app.notFound((c) => c.text("the app's 404", 404));
    for (const path of ["/metrics", "/api/health"]) {
      expect(await (await app.request(path)).text()).toBe("mine");
    }
    for (const path of ["/", "/api/docs", "/api/openapi.json", "/api/health/ready", "/other"]) {
      const answer = await app.request(path);
      expect([path, await answer.text()]).toEqual([path, "the app's 404"]);
    }
  });

  it("serves what it is asked to, under a base path, with and without a slash at the end", async () => {
    const options = { console: true, health: true, metrics: "open" } as const;
    const app = new Hono();
    app.route("/live", createServer(options).app);
    app.mount("/removed", createServer(options).app.fetch);
    app.get("/live/other", (c) => c.text("mine"));
    for (const path of ["/live", "/live/", "/removed", "/removed/"]) {
      const answer = await app.request(path);
      expect([path, answer.status]).toEqual([path, 200]);
      expect(await answer.text()).toContain("<title>Pocketwire console</title>");
    }
    for (const base of ["/live", "/removed"]) {
      for (const path of ["/api/docs", "/api/health", "/api/health/ready", "/metrics"]) {
        expect([path, (await app.request(base + path)).status]).toEqual([path, 200]);
      }
      const document = `${base}/api/openapi.json`;
      const { servers } = await (await app.request(document)).json();
      const url = new URL(servers[0].url, `http://localhost${document}`);
      expect(url.pathname).toBe(`${base}/`);
    }
    expect(await (await app.request("/live/other")).text()).toBe("mine");
    expect((await app.request("/live/nothing")).status).toBe(404);
  });

  it("leaves / to the app when the console is off", async () => {
    const app = new Hono();
    app.route("/", createServer({ console: false }).app);
    expect(await (await app.request("/")).text()).toBe("404 Not Found");
  });

  it("refuses other methods at its own addresses, also where the app has a route for every address", async () => {
    const app = new Hono();
    app.route("/", createServer({ console: true, metrics: "open" }).app);
    app.all("*", (c) => c.text("the app's page"));
    for (const [path, allow] of [
      ["/api/realtime", "GET, POST"],
      ["/api/realtime/clients/x", "GET, DELETE"],
      ["/api/openapi.json", "GET"],
    ] as const) {
      const answer = await app.request(path, { method: "PUT" });
      expect([path, answer.status, answer.headers.get("allow")]).toEqual([path, 405, allow]);
    }
    for (const path of ["/", "/metrics", "/api/docs", "/api/health"]) {
      const answer = await app.request(path, { method: "PUT" });
      expect([path, await answer.text()]).toEqual([path, "the app's page"]);
    }
  });

  it("keeps the CORS policy of the app, preflights included", async () => {
    const app = new Hono();
    app.use("*", cors({ origin: ORIGIN, credentials: true }));
    app.route("/", createServer().app);
    const headers = { Origin: ORIGIN };
    const preflight = { ...headers, "Access-Control-Request-Method": "POST" };
    const stream = await app.request("/api/realtime", { headers });
    for (const answer of [
      stream,
      await app.request("/api/realtime/messages?topic=a", { headers }),
      await app.request("/api/realtime", { method: "OPTIONS", headers: preflight }),
    ]) {
      expect(answer.headers.get("access-control-allow-origin")).toBe(ORIGIN);
      expect(answer.headers.get("access-control-allow-credentials")).toBe("true");
    }
    await stream.body?.cancel();
  });

  it("keeps the CORS headers of the app when it is given origins too", async () => {
    for (const origins of [["*"], ["https://other.example"]]) {
      const app = new Hono();
      app.use("*", cors({ origin: ORIGIN, credentials: true }));
      app.route("/", createServer({ origins }).app);
      const { headers } = await app.request("/api/realtime/messages?topic=a", {
        headers: { Origin: ORIGIN },
      });
      expect(headers.get("access-control-allow-origin")).toBe(ORIGIN);
      expect(headers.get("access-control-allow-credentials")).toBe("true");
      expect(headers.get("vary")).toBe("Origin");
    }
  });

  it("sets no CORS headers of its own, unless it is given origins", async () => {
    const ask = async (options: Parameters<typeof createServer>[0]) => {
      const { app } = createServer(options);
      const answer = await app.request("/api/realtime/messages?topic=a", {
        headers: { Origin: ORIGIN },
      });
      return answer.headers.get("access-control-allow-origin");
    };
    expect(await ask({})).toBeNull();
    expect(await ask({ origins: ["*"] })).toBe("*");
    expect(await ask({ origins: [ORIGIN] })).toBe(ORIGIN);
  });

  it("logs the exception of a hook with its stack, and the response has no detail of it", async () => {
    const lines: string[] = [];
    const write = console.error;
    console.error = (line: string) => void lines.push(line);
    try {
      const onConnect = () => {
        throw new TypeError("the database is away");
      };
      const answer = await createServer({ hooks: { onConnect } }).app.request("/api/realtime");
      expect(answer.status).toBe(500);
      expect(await answer.text()).not.toContain("database");
    } finally {
      console.error = write;
    }
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0] ?? "")).toMatchObject({
      level: "error",
      error: expect.stringMatching(/^TypeError: the database is away\n\s+at .*onConnect/),
    });
  });
});

describe("a service that is called without the arguments of its runtime", () => {
  it("opens streams and takes subscriptions on Node, and says once what to pass", async () => {
    const warnings: unknown[] = [];
    const warn = (msg: string, fields?: object) => void warnings.push({ msg, ...fields });
    const logger = { debug() {}, info() {}, warn, error: warn };
    const { app } = createServer({ runtime: nodeRuntime, connectsPerSecond: 0.01, logger });
    const calls = [
      () => app.request("/api/realtime"),
      () => app.fetch(new Request("http://localhost/api/realtime")),
      () => app.fetch(new Request("http://localhost/api/realtime"), { database: {} }),
    ];
    for (const call of calls) {
      const answer = await call();
      expect(answer.status).toBe(200);
      const reader = answer.body?.getReader();
      const { value } = (await reader?.read()) ?? {};
      const text = new TextDecoder().decode(value);
      const clientId = /^id: (.*)$/m.exec(text)?.[1];
      const subscribed = await app.request("/api/realtime", {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ clientId, subscriptions: ["a"] }),
      });
      expect(subscribed.status).toBe(204);
      await reader?.cancel();
    }
    expect(warnings).toEqual([
      expect.objectContaining({
        msg: "the client's address is unknown",
        instruction: expect.stringContaining("@hono/node-server"),
      }),
    ]);
  });
});

describe("an app of another bundle, or with another Hono", () => {
  it("throws a RealtimeError of its own bundle, which is recognised", async () => {
    const mark: unique symbol = Symbol.for("pocketwire.RealtimeError");
    /** As the class that another bundle carries. */
    class Other extends Error {
      readonly [mark] = true;
      readonly code = "not_allowed";
      readonly fields = {};
    }
    class Own extends RealtimeError {}
    const other = new Other("Too long.");
    expect(other instanceof RealtimeError).toBe(true);
    expect(other instanceof Own).toBe(false);
    expect(new Own("closed", "") instanceof Own).toBe(true);
    expect(new Error("x") instanceof RealtimeError).toBe(false);
    const onConnect = () => {
      throw other;
    };
    const answer = await createServer({ hooks: { onConnect } }).app.request("/api/realtime");
    expect(answer.status).toBe(403);
    expect(await answer.json()).toMatchObject({ message: "Too long." });
  });

  it("throws an HTTPException of its own Hono, which is recognised", async () => {
    class OtherHTTPException extends Error {
      readonly status = 418;
      getResponse = () => new Response(this.message, { status: this.status });
    }
    const authenticate = () => {
      throw new OtherHTTPException("No.");
    };
    const answer = await createServer({ authenticate }).app.request("/api/realtime");
    expect(answer.status).toBe(418);
  });
});
