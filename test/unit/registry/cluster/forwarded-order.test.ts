import { describe, expect, it } from "vitest";
import { createArrivalClock } from "../../../../src/realtime/clock.ts";
import { ForwardedOrder } from "../../../../src/registry/cluster/forwarded-order.ts";

/** The order in a process with a clock that the test sets. */
function orderAt(start: number) {
  let now = start;
  const nextArrival = createArrivalClock(() => now);
  const order = new ForwardedOrder(nextArrival);
  return {
    nextArrival,
    setTime: (time: number) => {
      now = time;
    },
    /** Receives a request that succeeds. */
    receive: (home: string, at: number, waited = 0, clientId = "c") => {
      const arrival = { home, at, waited };
      const arrivedAt = order.arrivedAt(clientId, arrival);
      order.remember(clientId, arrival, arrivedAt);
      return arrivedAt;
    },
    /** Receives a request that fails. */
    fail: (home: string, at: number, waited = 0) => order.arrivedAt("c", { home, at, waited }),
  };
}

describe("the order of forwarded requests", () => {
  it("does not depend on the clock of the process that forwards them", () => {
    for (const ahead of [-3_600_000, 0, 3_600_000]) {
      const process = orderAt(10_000);
      const here = process.nextArrival();
      process.setTime(10_005);
      expect(process.receive("x", 10_005 + ahead)).toBeGreaterThan(here);
    }
  });

  it("subtracts the time that a request has waited in the process that forwards it", () => {
    const process = orderAt(10_000);
    const here = process.nextArrival();
    process.setTime(10_400);
    expect(process.receive("x", 1, 500)).toBeLessThan(here);
    expect(process.receive("x", 2, 300)).toBeGreaterThan(here);
  });

  it("is exact for requests of the same process, even if the later one arrives as if it were earlier", () => {
    const process = orderAt(10_000);
    const first = process.receive("x", 100, 0);
    const second = process.receive("x", 101, 50);
    expect(second).toBeGreaterThan(first);
    expect(process.receive("x", 100.5, 0)).toBeLessThan(second);
  });

  it("gives a repeated request its first time", () => {
    const process = orderAt(10_000);
    const first = process.receive("x", 100);
    process.setTime(12_000);
    const here = process.nextArrival();
    expect(process.receive("x", 100, 2000)).toBe(first);
    expect(first).toBeLessThan(here);
  });

  it("is not changed by a request that has failed", () => {
    const process = orderAt(10_000);
    process.fail("x", 200);
    process.setTime(10_010);
    const here = process.nextArrival();
    process.setTime(10_020);
    expect(process.receive("x", 199)).toBeGreaterThan(here);
  });

  it("is that of each client by itself", () => {
    const process = orderAt(10_000);
    process.receive("x", 200, 0, "c");
    process.setTime(10_010);
    expect(process.receive("x", 100, 0, "d")).toBe(10_010);
  });

  it("is forgotten for the client of which the newest forwarded request is the oldest", () => {
    const process = orderAt(10_000);
    process.receive("x", 1000, 0, "forgotten");
    process.receive("x", 1000, 0, "renewed");
    for (let client = 0; client < 9998; client += 1) process.receive("x", 1, 0, `c${client}`);
    process.receive("x", 1001, 0, "renewed");
    process.receive("x", 1, 0, "one more");
    process.setTime(20_000);
    expect(process.receive("x", 999, 0, "forgotten")).toBe(20_000);
    expect(process.receive("x", 999, 0, "renewed")).toBeLessThan(20_000);
  });
});
