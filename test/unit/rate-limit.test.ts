import { describe, expect, it } from "vitest";
import { createRateLimit } from "../../src/api/rate-limit.ts";
import { RealtimeError } from "../../src/realtime/errors.ts";

/** The seconds to wait; 0 when it is let through. */
function ask(limit: (key: string, amount?: number) => void, key: string, amount?: number): number {
  try {
    limit(key, amount);
    return 0;
  } catch (error) {
    expect(error).toBeInstanceOf(RealtimeError);
    expect((error as RealtimeError).code).toBe("too_many_requests");
    return (error as RealtimeError).retryAfter ?? Number.NaN;
  }
}

describe("a rate limit", () => {
  it("lets ten seconds' worth through at once, and then so many a second", () => {
    let time = 0;
    const limit = createRateLimit(2, "things", () => time);
    for (let count = 0; count < 20; count++) expect(ask(limit, "a")).toBe(0);
    expect(ask(limit, "a")).toBe(1);
    expect(ask(limit, "b"), "others have their own").toBe(0);
    time += 1000;
    expect([ask(limit, "a"), ask(limit, "a"), ask(limit, "a")]).toEqual([0, 0, 1]);
    time += 3_600_000;
    for (let count = 0; count < 20; count++) expect(ask(limit, "a")).toBe(0);
    expect(ask(limit, "a"), "quiet hours don't add up").toBe(1);
  });

  it("takes a large batch whole, and makes the next wait for all of it", () => {
    let time = 0;
    const limit = createRateLimit(10, "things", () => time);
    expect(ask(limit, "a", 1000)).toBe(0);
    expect(ask(limit, "a")).toBe(91);
    time += 91_000;
    expect(ask(limit, "a")).toBe(0);
  });

  it("of less than one a second lets one through at once", () => {
    let time = 0;
    const limit = createRateLimit(0.05, "things", () => time);
    expect([ask(limit, "a"), ask(limit, "a")]).toEqual([0, 20]);
    time += 20_000;
    expect(ask(limit, "a")).toBe(0);
  });

  it("of 0 is none", () => {
    const limit = createRateLimit(0, "things");
    for (let count = 0; count < 10_000; count++) limit("a", 1000);
  });

  it("remembers so many and forgets whoever was quiet longest", () => {
    const limit = createRateLimit(0.1, "things", () => 0);
    expect([ask(limit, "first"), ask(limit, "first")]).toEqual([0, 10]);
    for (let count = 0; count < 9999; count++) limit(`other ${count}`);
    expect(ask(limit, "first"), "it is still known").toBe(10);
    for (let count = 0; count < 10_000; count++) limit(`another ${count}`);
    expect(ask(limit, "first"), "it is forgotten").toBe(0);
  });
});
