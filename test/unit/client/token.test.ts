import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createTokenStore, type TokenStore } from "../../../src/client/token.ts";
import { installClock, type ManualClock } from "../../support/manual-clock.ts";

/** A JWT with a payload that has characters of base64url. */
function jwt(claims: Readonly<Record<string, unknown>>): string {
  const payload = Buffer.from(JSON.stringify({ name: "ÿ?>ÿ", ...claims })).toString("base64url");
  return `header.${payload}.signature`;
}

let clock: ManualClock;
let stale: number;
beforeEach(() => {
  clock = installClock();
  stale = 0;
});
afterEach(() => {
  vi.restoreAllMocks();
});

function storeOf(read?: Parameters<typeof createTokenStore>[0]): TokenStore {
  return createTokenStore(read, () => {
    stale += 1;
  });
}

describe("a token store", () => {
  it("asks once for all that wait, and again after forget", async () => {
    let asked = 0;
    const store = storeOf(async () => `token ${++asked}`);
    expect(await Promise.all([store.get(), store.get()])).toEqual(["token 1", "token 1"]);
    store.forget();
    expect(await store.get()).toBe("token 2");
    expect(await storeOf().get()).toBe(undefined);
  });

  it("asks again after a rejection, and after a function that throws", async () => {
    let asked = 0;
    const store = storeOf(() => {
      asked += 1;
      if (asked === 1) throw new Error("The page's fault");
      return asked === 2 ? Promise.reject(undefined) : "token";
    });
    await expect(store.get()).rejects.toThrow("The page's fault");
    await expect(store.get()).rejects.toBe(undefined);
    expect(await store.get()).toBe("token");
  });

  it.each([
    [0, 8000],
    [0.9999, 9000],
  ])(
    "announces the end of a JWT after 80 to 90 per cent of its life, with random %d",
    async (random, at) => {
      vi.spyOn(Math, "random").mockReturnValue(random);
      const store = storeOf(() => jwt({ exp: Date.now() / 1000 + 10 }));
      await store.get();
      clock.pass(at - 10);
      expect(stale).toBe(0);
      clock.pass(20);
      expect(stale).toBe(1);
      expect(clock.timers).toBe(0);
    },
  );

  it("sets no timer for a token that is no JWT, has no end, or has ended", async () => {
    const ended = jwt({ exp: Date.now() / 1000 - 1 });
    for (const token of [
      "opaque",
      "a.b",
      "a.!.c",
      jwt({}),
      jwt({ exp: "soon" }),
      ended,
      "",
      null,
    ]) {
      await storeOf(() => token).get();
      expect(clock.timers).toBe(0);
    }
  });

  it("sets a timer of at most twelve days, because a longer one would end at once", async () => {
    await storeOf(() => jwt({ exp: Date.now() / 1000 + 1e9 })).get();
    expect(clock.next()).toBe(2 ** 30);
  });

  it("sets no timer for a token that was forgotten while it was fetched", async () => {
    let resolve = (_token: string) => {};
    const store = storeOf(() => new Promise<string>((done) => (resolve = done)));
    const first = store.get();
    store.forget();
    resolve(jwt({ exp: Date.now() / 1000 + 10 }));
    await first;
    expect(clock.timers).toBe(0);
  });
});
