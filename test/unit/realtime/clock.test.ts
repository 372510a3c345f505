import { afterEach, describe, expect, it, vi } from "vitest";
import { createIntrospection } from "../../../src/api/auth/introspection.ts";
import { createTokenVerifier } from "../../../src/api/auth/jwt.ts";
import { createServer } from "../../../src/api/server.ts";
import { createMemoryLog } from "../../../src/log/memory.ts";
import type { RealtimeManager } from "../../../src/realtime/manager.ts";
import { ExpiryTimer } from "../../../src/registry/expiry-timer.ts";
import { message } from "../../suites/log/context.ts";
import { within } from "../../support/deadline.ts";
import { startJSONServer } from "../../support/json-server.ts";
import { makeKeyPair, signToken } from "../../support/tokens.ts";

const HOUR = 3_600_000;

/** The wall clock, which a test may set, and the monotonic clock, which only time moves. */
function makeClocks() {
  let [wall, monotonic] = [Date.now(), 1000];
  return {
    now: () => wall,
    monotonicNow: () => monotonic,
    set: (milliseconds: number) => {
      wall += milliseconds;
    },
    pass: (milliseconds: number) => {
      wall += milliseconds;
      monotonic += milliseconds;
    },
  };
}

/** Replaces the wall clock of the process before other code keeps a reference to it. Returns a function that sets it. */
function holdWallClock(): (milliseconds: number) => void {
  const { now } = Date;
  let ahead = 0;
  vi.spyOn(Date, "now").mockImplementation(() => now() + ahead);
  return (milliseconds) => {
    ahead += milliseconds;
  };
}

afterEach(() => {
  vi.restoreAllMocks();
});

for (const [title, step] of [
  ["set back by an hour", -HOUR],
  ["set forward by an hour", HOUR],
] as const) {
  describe(`a wall clock that is ${title}`, () => {
    it("changes no rate, and no Retry-After", async () => {
      const setWallClock = holdWallClock();
      const { app, close } = createServer({
        connectsPerSecond: 1,
        trustedProxyHeader: "X-Real-IP",
      });
      const read = () =>
        app.request("/api/realtime/messages?topic=a", { headers: { "X-Real-IP": "192.0.2.1" } });
      for (let count = 0; count < 10; count++) expect((await read()).status).toBe(200);
      expect((await read()).status).toBe(429);
      setWallClock(step);
      const refused = await read();
      expect(refused.status).toBe(429);
      expect(refused.headers.get("Retry-After")).toBe("1");
      await close();
    });

    it("delays no ping", async () => {
      const setWallClock = holdWallClock();
      const { app, close } = createServer({ pingInterval: 60 });
      const { body } = await app.request("/api/realtime");
      const reader = body?.pipeThrough(new TextDecoderStream() as never).getReader();
      setWallClock(step);
      for (let text = ""; !text.includes(": ping"); ) {
        const { value } = await within(
          reader?.read() as Promise<{ value: string }>,
          5000,
          "a ping",
        );
        text += value;
      }
      await reader?.cancel();
      await close();
    });

    it("neither keeps messages and ids in memory for longer nor loses them", async () => {
      const clocks = makeClocks();
      const log = createMemoryLog({ ...clocks, history: { maxAge: 60_000 } });
      await log.append([message("a")]);
      clocks.set(step);
      clocks.pass(59_000);
      expect((await log.stats()).messages).toBe(1);
      expect(await log.append([message("a")])).toEqual([{ id: "a", duplicate: true }]);
      clocks.pass(1000);
      expect((await log.stats()).messages).toBe(0);
      clocks.pass(300_000);
      expect(await log.append([message("a")])).toEqual([{ id: "a", duplicate: false }]);
    });

    it("changes nothing in how long an issuer's answer holds", async () => {
      const server = await startJSONServer(() => ({ body: { sub: "anna", exp: 4_000_000_000 } }));
      const clocks = makeClocks();
      const verify = createIntrospection({ url: server.url, ...clocks });
      await verify("opaque");
      clocks.set(step);
      clocks.pass(29_000);
      await verify("opaque");
      expect(server.requests).toHaveLength(1);
      clocks.pass(1000);
      await verify("opaque");
      expect(server.requests).toHaveLength(2);
      await server.close();
    });

    it("does not keep an issuer's new keys away", async () => {
      const setWallClock = holdWallClock();
      const [old, fresh] = [await makeKeyPair("ES256", "old"), await makeKeyPair("ES256", "fresh")];
      let keys: unknown[] = [old.jwk];
      const server = await startJSONServer(() => ({ body: { keys } }));
      const verify = createTokenVerifier({ jwksURL: server.url });
      const options = { algorithm: "ES256", keyId: "old" };
      await verify(await signToken({}, { ...options, key: old.privateKey }));
      keys = [fresh.jwk];
      const token = await signToken(
        { iat: undefined, exp: 4_000_000_000 },
        { ...options, keyId: "fresh", key: fresh.privateKey },
      );
      setWallClock(step);
      const ticks = performance.now.bind(performance);
      vi.spyOn(performance, "now").mockImplementation(() => ticks() + 11_000);
      expect((await verify(token)).subject).toBe("anna");
      await server.close();
    });
  });
}

it("a credential's end is looked for every half minute, since the wall clock may be set forward", () => {
  const set = vi.spyOn(globalThis, "setTimeout");
  const alarm = new ExpiryTimer({ expiresIn: 24 * HOUR } as RealtimeManager);
  alarm.schedule();
  expect(set.mock.calls.at(-1)?.[1]).toBe(30_000);
  alarm.stop();
});
