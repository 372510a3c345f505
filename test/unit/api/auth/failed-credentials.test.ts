import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { DEVELOPMENT_KEY } from "../../../../src/api/auth/development-key.ts";
import { FailedCredentials } from "../../../../src/api/auth/failed-credentials.ts";
import { createServer } from "../../../../src/api/server.ts";
import { protectLogger } from "../../../../src/realtime/protected-logger.ts";

const ADDRESS = "192.0.2.1";

function world(perSecond = 1) {
  let time = 1_000_000;
  const lines: unknown[] = [];
  const ignore = () => {};
  const warn = (message: string, fields?: object) => void lines.push({ message, ...fields });
  const logger = { debug: ignore, info: ignore, warn, error: ignore };
  const failures = new FailedCredentials(
    perSecond,
    protectLogger(logger, () => time),
    () => time,
  );
  return {
    failures,
    lines,
    pass: (milliseconds: number) => {
      time += milliseconds;
    },
    fail: (count: number, address: string | undefined = ADDRESS) => {
      for (let n = 0; n < count; n++) failures.failed(address);
    },
    isHeldUp: (credential = "guess", address = ADDRESS) => {
      try {
        failures.check(address, credential);
        return false;
      } catch (error) {
        expect(error).toMatchObject({ code: "too_many_requests", retryAfter: expect.any(Number) });
        return true;
      }
    },
  };
}

describe("refused credentials", () => {
  it("block their network after ten seconds' worth, until the rate allows another", () => {
    const { fail, isHeldUp, pass } = world();
    fail(9);
    expect(isHeldUp()).toBe(false);
    fail(1);
    expect(isHeldUp()).toBe(true);
    expect(isHeldUp("guess", "192.0.2.2")).toBe(false);
    pass(999);
    expect(isHeldUp()).toBe(true);
    pass(1);
    expect(isHeldUp()).toBe(false);
    fail(1);
    expect(isHeldUp()).toBe(true);
  });

  it("block no longer when there are many: the budget does not fall below zero", () => {
    const { fail, isHeldUp, pass } = world();
    fail(10_000);
    pass(1000);
    expect(isHeldUp()).toBe(false);
  });

  it("count for a whole IPv6 network", () => {
    const { fail, isHeldUp } = world();
    fail(10, "2001:db8::1");
    expect(isHeldUp("guess", "2001:DB8:0:0::2")).toBe(true);
    expect(isHeldUp("guess", "2001:db8:0:1::2")).toBe(false);
  });

  it("do not block a credential that the same network has used with success", () => {
    const { failures, fail, isHeldUp } = world();
    failures.succeeded(ADDRESS, "good");
    fail(10);
    expect(isHeldUp("good")).toBe(false);
    expect(isHeldUp("goot")).toBe(true);
    fail(10, "192.0.2.2");
    expect(isHeldUp("good", "192.0.2.2")).toBe(true);
  });

  it("are counted, and logged once a minute with their number", () => {
    const { failures, fail, lines, pass } = world();
    fail(500);
    fail(1, "192.0.2.2");
    pass(60_000);
    fail(1, "192.0.2.3");
    expect(failures.total).toBe(502);
    expect(lines).toEqual([
      { message: "credentials refused", address: ADDRESS },
      { message: "credentials refused", address: "192.0.2.3", count: 501 },
    ]);
  });

  it("block no request if the limit is 0 or the address is unknown", () => {
    const unlimited = world(0);
    unlimited.fail(1000);
    expect(unlimited.isHeldUp()).toBe(false);
    const { failures } = world();
    for (let n = 0; n < 1000; n++) failures.failed(undefined);
    failures.check(undefined, "guess");
    expect(failures.total).toBe(1000);
  });
});

describe("the development key", () => {
  it("is the one in .dev.vars", () => {
    const line = `REALTIME_ADMIN_KEY=${DEVELOPMENT_KEY}`;
    expect(readFileSync(".dev.vars", "utf8").split("\n")).toContain(line);
  });

  it.each([
    ["http://localhost:8090", 200],
    ["http://127.0.0.1:8090", 200],
    ["http://[::1]:8090", 200],
    ["http://rebound.example:8090", 403],
    ["http://127.0.0.1.rebound.example:8090", 403],
  ])("counts only at an address of this machine: %s", async (address, status) => {
    const { app } = createServer({ adminKey: DEVELOPMENT_KEY });
    const headers = { Authorization: DEVELOPMENT_KEY };
    // A browser sends no Origin with a GET to the page's own origin.
    for (const sent of [headers, { ...headers, Origin: address }]) {
      const answer = await app.request(`${address}/api/realtime/stats`, { headers: sent });
      expect(answer.status).toBe(status);
    }
  });
});
