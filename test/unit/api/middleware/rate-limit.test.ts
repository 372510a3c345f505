import { describe, expect, it } from "vitest";
import { createCostLimit, createRateLimit } from "../../../../src/api/middleware/rate-limit.ts";
import { RealtimeError } from "../../../../src/realtime/errors.ts";

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
  it("lets ten seconds' worth through at once, and then the rate per second", () => {
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

  it("lets through no more than is left, and says when the rest of it is there", () => {
    let time = 0;
    const limit = createRateLimit(100, "things", () => time);
    expect(ask(limit, "a", 999)).toBe(0);
    expect(ask(limit, "a", 1000), "one is left, and 999 are missing").toBe(10);
    expect(ask(limit, "a", 1), "what was refused took nothing").toBe(0);
    time += 10_000;
    expect(ask(limit, "a", 1000)).toBe(0);
    expect(ask(limit, "a")).toBe(1);
  });

  it("lets a whole batch through at once where ten seconds' worth are less", () => {
    let time = 0;
    const limit = createRateLimit(10, "things", () => time, { minBurst: 1000 });
    expect(ask(limit, "a", 1000)).toBe(0);
    expect(ask(limit, "a", 1000)).toBe(100);
    time += 100_000;
    expect(ask(limit, "a", 1000)).toBe(0);
  });

  it("refuses what would never fit, says so, and counts each refusal", () => {
    let refused = 0;
    const limit = createRateLimit(10, "things", () => 0, { onRefused: () => (refused += 1) });
    expect(() => limit("a", 101)).toThrow("101 things at once are more than the limit of 100.");
    expect(ask(limit, "a", 100), "it took nothing").toBe(0);
    expect(ask(limit, "a", 1)).toBe(1);
    expect(refused).toBe(2);
  });

  it("of less than one a second lets one through at once", () => {
    let time = 0;
    const limit = createRateLimit(0.05, "things", () => time);
    expect([ask(limit, "a"), ask(limit, "a")]).toEqual([0, 20]);
    time += 20_000;
    expect(ask(limit, "a")).toBe(0);
  });

  it("of 0 does not limit", () => {
    const limit = createRateLimit(0, "things");
    for (let count = 0; count < 10_000; count++) limit("a", 1000);
  });

  it("of a cost lets work begin while something is left, and the next wait for what it took", () => {
    let time = 0;
    const limit = createCostLimit(10, "things", () => time);
    limit.check("a");
    limit.charge("a", 150);
    expect(ask(limit.check, "a")).toBe(6);
    expect(ask(limit.check, "b"), "others have their own").toBe(0);
    time += 5100;
    expect(ask(limit.check, "a")).toBe(0);
  });

  it("remembers a limited number of keys and forgets the key that was idle longest", () => {
    const limit = createRateLimit(0.1, "things", () => 0);
    expect([ask(limit, "first"), ask(limit, "first")]).toEqual([0, 10]);
    for (let count = 0; count < 9999; count++) limit(`other ${count}`);
    expect(ask(limit, "first"), "it is still known").toBe(10);
    for (let count = 0; count < 10_000; count++) limit(`another ${count}`);
    expect(ask(limit, "first"), "it is forgotten").toBe(0);
  });
});
