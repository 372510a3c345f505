import { describe, expect, it } from "vitest";
import { createServer } from "../../../../src/api/server.ts";

const KEY = "a-key-for-bodies";
const SIZE = 1000;

describe("bodies in progress", () => {
  const world = () => {
    const { app } = createServer({
      adminKey: KEY,
      maxBodyBytes: SIZE,
      trustedProxyHeader: "X-Real-IP",
    });
    const controllers: ReadableStreamDefaultController<Uint8Array>[] = [];
    const send = (ip: string, headers: Record<string, string> = {}, path = "", body?: string) => {
      const silent = () =>
        new ReadableStream<Uint8Array>({
          start: (controller) => void controllers.push(controller),
        });
      const init = {
        ...{ method: "POST", body: body ?? silent(), duplex: "half" },
        headers: { "X-Real-IP": ip, "Content-Type": "application/json", ...headers },
      };
      return app.request(`/api/realtime${path}`, init);
    };
    const push = async (bytes: number) => {
      for (const controller of controllers) controller.enqueue(new Uint8Array(bytes).fill(32));
      // The chunks are read in later turns of the event loop.
      for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setTimeout(resolve));
    };
    const end = () => {
      for (const controller of controllers.splice(0)) controller.close();
    };
    return { send, push, end };
  };
  const length = { "Content-Length": String(SIZE) };

  it("that are announced and do not arrive cost other requests nothing", async () => {
    const { send, end } = world();
    const silent = Array.from({ length: 40 }, () => send("192.0.2.1", length));
    expect((await send("192.0.2.1", {}, "", "{}")).status).toBe(400);
    end();
    const statuses = (await Promise.all(silent)).map(({ status }) => status);
    // They are empty, so the client id is missing.
    expect(new Set(statuses)).toEqual(new Set([400]));
  });

  it("count for their network as they arrive, up to a limit, until they are read", async () => {
    const { send, push, end } = world();
    const waiting = Array.from({ length: 16 }, () => send("192.0.2.1", length));
    await push(SIZE);
    const refused = await send("192.0.2.1", {}, "", "{}");
    expect([refused.status, refused.headers.get("Retry-After")]).toEqual([429, "1"]);
    // Bodies of other networks and bodies with the admin key do not count.
    expect((await send("192.0.2.2", {}, "", "{}")).status).toBe(400);
    const admin = { Authorization: `Bearer ${KEY}` };
    expect((await send("192.0.2.1", admin, "/messages", "{}")).status).toBe(400);
    end();
    const statuses = (await Promise.all(waiting)).map(({ status }) => status);
    expect(new Set(statuses)).toEqual(new Set([400]));
    expect((await send("192.0.2.1", {}, "", "{}")).status).toBe(400);
  });

  it("are refused over the limit, announced or not, and then no longer count", async () => {
    const { send, push } = world();
    for (let n = 0; n < 20; n++) {
      expect((await send("192.0.2.1", {}, "", " ".repeat(SIZE + 1))).status).toBe(413);
    }
    const late = send("192.0.2.1");
    await push(SIZE);
    await push(1);
    expect((await late).status).toBe(413);
    expect((await send("192.0.2.1", {}, "", "{}")).status).toBe(400);
  });

  it("arrive complete in small chunks, as JSON and as a form", async () => {
    const { app } = createServer();
    const post = (text: string, type: string) => {
      const bytes = new TextEncoder().encode(text);
      const body = new ReadableStream<Uint8Array>({
        start(controller) {
          for (const byte of bytes) controller.enqueue(Uint8Array.of(byte));
          controller.close();
        },
      });
      const headers = { "Content-Type": type };
      const init = { method: "POST", body, headers, duplex: "half" };
      return app.request("/api/realtime", init);
    };
    const key = "ä".repeat(3000);
    for (const answer of [
      await post(JSON.stringify({ clientId: "x", subscriptions: [key] }), "application/json"),
      await post(
        `clientId=x&subscriptions=${encodeURIComponent(key)}`,
        "application/x-www-form-urlencoded",
      ),
    ]) {
      const { data } = (await answer.json()) as { data: unknown };
      expect(data).toMatchObject({
        subscriptions: { 0: { code: "validation_length_too_long" } },
      });
    }
  });

  it("are not read when the credential is not valid", async () => {
    const { app } = createServer({ adminKey: KEY, tokens: { secrets: [KEY.repeat(2)] } });
    let pulled = 0;
    const body = new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          pulled += 1;
          controller.enqueue(new Uint8Array(65_536));
        },
      },
      { highWaterMark: 0 },
    );
    const headers = { Authorization: "Bearer wrong", "Content-Type": "application/json" };
    const init = { method: "POST", body, headers, duplex: "half" };
    expect((await app.request("/api/realtime", init)).status).toBe(401);
    expect(pulled).toBe(0);
  });
});
