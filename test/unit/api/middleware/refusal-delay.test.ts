import { Hono } from "hono";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { RefusalDelay } from "../../../../src/api/middleware/refusal-delay.ts";
import { createServer } from "../../../../src/api/server.ts";
import { RealtimeError, type RealtimeErrorCode } from "../../../../src/realtime/errors.ts";

/** Lets requests get as far as they can, turns the clock, and does so again. (Bun's test runner has no asynchronous form.) */
async function turnClock(milliseconds: number): Promise<void> {
  await runPromises();
  vi.advanceTimersByTime(milliseconds);
  await runPromises();
}

async function runPromises(): Promise<void> {
  for (let n = 0; n < 1000; n++) await undefined;
}

describe("subscriptions that are refused repeatedly", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  /** Sends requests of an address, and counts the responses that have arrived. */
  function world(code: RealtimeErrorCode, isOn = true) {
    const delay = new RefusalDelay({
      isOn,
      addressOf: (c) => c.req.header("X-IP"),
      now: Date.now,
    });
    const app = new Hono();
    app.onError((_, c) => c.text("refused", 401));
    const refuse = () => Promise.reject(new RealtimeError(code, "No."));
    app.post("/", delay.delayRefusals(refuse));
    let answers = 0;
    const send = async (count: number, ip?: string, signal?: AbortSignal) => {
      const headers: Record<string, string> = ip === undefined ? {} : { "X-IP": ip };
      for (let n = 0; n < count; n++) {
        const request = new Request("http://localhost/", {
          method: "POST",
          headers,
          signal: signal ?? null,
        });
        void Promise.resolve(app.fetch(request)).then(() => {
          answers += 1;
        });
      }
      await turnClock(0);
      return answers;
    };
    const pass = async (milliseconds: number) => {
      await turnClock(milliseconds);
      return answers;
    };
    return { delay, send, pass };
  }

  it.each([
    "unknown_token",
    "refused_token",
    "revoked",
    "not_signed_in",
    "not_allowed",
    "identity_changed",
    "ip_mismatch",
  ] as const)("with %s are answered after 10 s, all but the first five", async (code) => {
    const { send, pass } = world(code);
    expect(await send(8, "192.0.2.1")).toBe(5);
    expect(await pass(9000)).toBe(5);
    expect(await pass(1000)).toBe(8);
    expect(await send(5, "192.0.2.2")).toBe(13);
    expect(await pass(50_000)).toBe(13);
    expect(await send(2, "192.0.2.1")).toBe(14);
  });

  it.each(["unknown_client", "unavailable", "closed", "too_many_requests"] as const)(
    "with %s, for which another stream or another try helps, are answered at once",
    async (code) => expect(await world(code).send(20, "192.0.2.1")).toBe(20),
  );

  it("are answered at once where the address is unknown, or limits are off", async () => {
    expect(await world("refused_token").send(20)).toBe(20);
    expect(await world("refused_token", false).send(20, "192.0.2.1")).toBe(20);
  });

  it("stop waiting when their client leaves or the server stops", async () => {
    const abort = new AbortController();
    const { delay, send } = world("refused_token");
    expect(await send(8, "192.0.2.1", abort.signal)).toBe(5);
    abort.abort();
    expect(await send(0)).toBe(8);
    expect(await send(3, "192.0.2.1")).toBe(8);
    delay.stop();
    expect(await send(0)).toBe(11);
    expect(await send(3, "192.0.2.1")).toBe(14);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("wait in bounded number", async () => {
    const { send } = world("refused_token");
    expect(await send(1010, "192.0.2.1")).toBe(10);
  });

  it("are answered when a server closes", async () => {
    const server = createServer({
      adminKey: "key-of-sixteen-and-more",
      trustedProxyHeader: "X-IP",
      anonymous: "none",
    });
    let answers = 0;
    for (let n = 0; n < 7; n++) {
      const sent = server.app.request("/api/realtime", {
        method: "POST",
        headers: { "X-IP": "192.0.2.1", "Content-Type": "application/json" },
        body: '{"clientId":"c","subscriptions":["a"]}',
      });
      void Promise.resolve(sent).then(({ status }) => {
        if (status === 401) answers += 1;
      });
    }
    await turnClock(1000);
    expect(answers).toBe(5);
    await server.close();
    await turnClock(0);
    expect(answers).toBe(7);
  });
});
