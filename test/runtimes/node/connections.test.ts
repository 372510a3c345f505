import { createServer as createPlain, type RequestListener, type Server } from "node:http";
import { connect as connectHTTP2, createServer as createHTTP2 } from "node:http2";
import { type AddressInfo, connect } from "node:net";
import { getRequestListener } from "@hono/node-server";
import { Hono } from "hono";
import { afterEach, describe, expect, it } from "vitest";
import { createServer } from "../../../src/api/server.ts";
import { nodeRuntime } from "../../../src/node.ts";
import { closeClients } from "../../support/clients.ts";
import { eventually, pause, within } from "../../support/deadline.ts";
import { openRawStream } from "../../support/raw-client.ts";
import { openStream } from "../../support/sse-client.ts";

const realtime = createServer({ runtime: nodeRuntime, pingInterval: 200 });
const stops: (() => void)[] = [];

async function serve(
  app: Hono,
  make: (listener: RequestListener) => Server = (listener) => createPlain(listener),
): Promise<string> {
  const server = make(getRequestListener(app.fetch) as RequestListener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  stops.push(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

afterEach(async () => {
  closeClients();
  for (const stop of stops.splice(0)) stop();
  await eventually(
    () => realtime.realtimeManager?.getAllClientIds().length === 0,
    "all clients are removed",
  );
});

const numbers = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index);

async function publish(from: number, to: number): Promise<void> {
  for (const n of numbers(from, to)) await realtime.publish({ topic: "n", data: n });
}

describe("a stream on Node", () => {
  it("leaves Hono's stream once its head is written, and is still complete", async () => {
    const url = await serve(realtime.app);
    const raw = await openRawStream(url, { query: "?topic=n" });
    await publish(1, 50);
    await raw.waitFor(/data: 50\n/, "the last message");
    const data = [...raw.body().matchAll(/^data: (\d+)$/gm)].map(([, n]) => Number(n));
    expect(data).toEqual(numbers(1, 50));
    // Each chunk has the length that its header says, so a reader that counts bytes reaches the end.
    expect(raw.body()).toMatch(/id: \S+\n\n(: ping\n)*$/);
  });

  it("that middleware transforms stays in Hono's stream", async () => {
    const app = new Hono();
    app.use("*", async (c, next) => {
      await next();
      const shout = new TransformStream<Uint8Array, Uint8Array>({
        transform: (chunk, controller) => {
          const text = new TextDecoder().decode(chunk);
          controller.enqueue(new TextEncoder().encode(text.replaceAll("data: ", "data: 1")));
        },
      });
      if (c.res.body !== null) c.res = new Response(c.res.body.pipeThrough(shout), c.res);
    });
    app.get("/api/realtime", (c) => realtime.app.fetch(c.req.raw, c.env));
    const url = await serve(app);
    const raw = await openRawStream(url, { query: "?topic=n" });
    await publish(1, 30);
    await raw.waitFor(/data: 130\n/, "the last message");
    const data = [...raw.body().matchAll(/^data: (\d+)$/gm)].map(([, n]) => Number(n));
    expect(data).toEqual(numbers(1, 30).map((n) => Number(`1${n}`)));
    raw.socket.destroy();
  });

  it("over HTTP/2 stays in Hono's stream", async () => {
    const url = await serve(realtime.app, (listener) => {
      return createHTTP2({}, listener as never) as unknown as Server;
    });
    const session = connectHTTP2(url);
    const request = session.request({ ":path": "/api/realtime?topic=n" });
    let text = "";
    request.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
    });
    await eventually(() => text.includes("PB_CONNECT"), "the handshake");
    await publish(1, 30);
    await eventually(() => text.includes("data: 30\n"), "the last message");
    expect([...text.matchAll(/^data: (\d+)$/gm)].map(([, n]) => Number(n))).toEqual(numbers(1, 30));
    session.destroy();
  });

  it("that ends during its handshake ends once, and its connection serves the next request", async () => {
    const url = await serve(realtime.app);
    for (let round = 0; round < 20; round++) {
      const opening = openStream(url);
      const manager = realtime.realtimeManager;
      await eventually(
        () => (manager?.getAllClientIds().length ?? 0) > 0,
        "the client is connected",
      );
      for (const clientId of manager?.getAllClientIds() ?? [])
        manager?.removeClient(clientId, "admin");
      const client = await opening;
      expect(await client.ended).toBe("end");
    }
  });
});

describe("a stream on Node with pipelined requests and middleware", () => {
  it("waits for an earlier response on its connection, and is complete", async () => {
    const url = await serve(realtime.app);
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    let text = "";
    socket.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
    });
    const head = "HTTP/1.1\r\nHost: x\r\n\r\n";
    socket.write(`GET /api/health ${head}GET /api/realtime?topic=n ${head}`);
    await eventually(() => text.includes("PB_CONNECT"), "the handshake");
    for (const n of numbers(1, 30)) await realtime.publish({ topic: "n", data: n });
    await eventually(() => text.includes("data: 30\n"), "the last message");
    expect(text.indexOf("API is healthy")).toBeLessThan(text.indexOf("PB_CONNECT"));
    expect([...text.matchAll(/^data: (\d+)$/gm)].map(([, n]) => Number(n))).toEqual(numbers(1, 30));
    socket.destroy();
  });

  it("sends the headers that middleware sets before and after its handler", async () => {
    const app = new Hono();
    app.use("*", async (c, next) => {
      c.header("X-Before", "yes");
      await next();
      c.header("X-Behind", "yes");
    });
    app.route("/", realtime.app);
    const raw = await openRawStream(await serve(app), { query: "?topic=n" });
    const head = raw.text().split("\r\n\r\n")[0] ?? "";
    expect(head).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    for (const line of [
      /^x-before: yes$/im,
      /^x-behind: yes$/im,
      /^transfer-encoding: chunked$/im,
      /^content-type: text\/event-stream$/im,
    ])
      expect(head).toMatch(line);
    raw.socket.destroy();
  });
  it.each([
    ["a text", () => "another answer"],
    ["a stream", () => new Blob(["another ", "answer"]).stream()],
  ])("is abandoned when middleware replaces the response with %s", async (_, body) => {
    const app = new Hono();
    app.use("*", async (c, next) => {
      await next();
      c.res = new Response(body(), { status: 418 });
    });
    app.route("/", realtime.app);
    const answer = await fetch(`${await serve(app)}/api/realtime?topic=n`);
    expect([answer.status, await answer.text()]).toEqual([418, "another answer"]);
    await eventually(
      () => realtime.realtimeManager?.getAllClientIds().length === 0,
      "the client is removed",
    );
  });
});

describe("a stream on Node with a response that middleware delays", () => {
  it("sends its head, its final frame and its end when it was ended during the delay", async () => {
    for (const end of ["admin", "shutdown"] as const) {
      const app = new Hono();
      app.use("*", async (c, next) => {
        await next();
        const [clientId = ""] = realtime.realtimeManager?.getAllClientIds() ?? [];
        realtime.realtimeManager?.removeClient(clientId, end);
        await pause(50);
        c.header("X-Behind", "yes");
      });
      app.route("/", realtime.app);
      const answer = await fetch(`${await serve(app)}/api/realtime`);
      expect(answer.headers.get("content-type")).toBe("text/event-stream");
      const text = await within(answer.text(), 5000, "the response ends");
      expect(text).toMatch(/^event: PB_CONNECT\n/);
      if (end === "shutdown") expect(text).toMatch(/retry: \d+\n\n$/);
    }
  });

  it.each([401, 204, 200])(
    "is abandoned when middleware replaces the response with an empty %i",
    async (status) => {
      const app = new Hono();
      app.use("*", async (c, next) => {
        await next();
        c.res = undefined;
        c.res = new Response(null, { status });
      });
      app.route("/", realtime.app);
      const answer = await fetch(`${await serve(app)}/api/realtime?topic=n`);
      expect(answer.status).toBe(status);
      const text = await within(answer.text(), 5000, "the response ends");
      expect(text).toBe("");
      await eventually(
        () => realtime.realtimeManager?.getAllClientIds().length === 0,
        "the client is removed",
      );
    },
  );
});
