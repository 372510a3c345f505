import { describe, expect, it } from "vitest";
import { createServer } from "../../../src/api/server.ts";
import { RealtimeManager } from "../../../src/realtime/manager.ts";
import { ProtectedLogger, protectLogger } from "../../../src/realtime/protected-logger.ts";
import type { LogFields, Logger } from "../../../src/realtime/types.ts";
import { RecordingSink } from "../../support/recording-sink.ts";
import { microtasks } from "../../support/sink-under-test.ts";

const MINUTE = 60_000;

function recorder() {
  const lines: { level: string; msg: string; fields: LogFields }[] = [];
  const at =
    (level: string) =>
    (msg: string, fields: LogFields = {}) =>
      void lines.push({ level, msg, fields });
  const logger = { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
  const shown = () => lines.filter(({ level }) => level !== "debug");
  return { lines, logger, shown };
}

function throttled() {
  const record = recorder();
  const clock = { time: 0 };
  return { ...record, clock, logger: new ProtectedLogger(record.logger, () => clock.time) };
}

const broken = (fail: () => never): Logger => ({
  ...{ debug: fail, info: fail, warn: fail, error: fail },
});

describe("a protected logger", () => {
  it("writes the first line of a kind at once, and one a minute with the number of the others", () => {
    const { logger, shown, clock } = throttled();
    for (let count = 0; count < 1000; count++) logger.error("down", { error: "refused" });
    expect(shown()).toEqual([{ level: "error", msg: "down", fields: { error: "refused" } }]);
    clock.time = MINUTE;
    for (let count = 0; count < 10; count++) logger.error("down", { error: "refused" });
    expect(shown()).toHaveLength(2);
    expect(shown()[1]?.fields).toEqual({ error: "refused", count: 1000 });
  });

  it("tells kinds apart by their message and their reason or error", () => {
    const { logger, shown } = throttled();
    logger.warn("client disconnected", { reason: "slow", clientId: "a" });
    logger.warn("client disconnected", { reason: "slow", clientId: "b" });
    logger.warn("client disconnected", { reason: "stale", clientId: "c" });
    logger.error("stream failed", { error: "x" });
    expect(shown().map(({ fields: { clientId } }) => clientId)).toEqual(["a", "c", undefined]);
  });

  it("writes what it keeps back at level debug, and what is debug or info as it comes", () => {
    const { logger, lines } = throttled();
    for (let count = 0; count < 3; count++) {
      logger.warn("w");
      logger.info("i");
      logger.debug("d");
    }
    const levels = lines.map(({ level, msg }) => `${msg}:${level}`);
    expect(levels).toEqual(
      "w:warn i:info d:debug w:debug i:info d:debug w:debug i:info d:debug".split(" "),
    );
  });

  it("writes few lines however many kinds a request can make, and forgets old kinds", () => {
    const { logger, shown, clock } = throttled();
    for (let count = 0; count < 10_000; count++) logger.error("failed", { error: `at ${count}` });
    expect(shown().length).toBeLessThanOrEqual(101);
    clock.time = MINUTE;
    logger.error("failed", { error: "new" });
    expect(shown().at(-1)?.fields.error).toBe("new");
  });

  it("lets a logger that throws or rejects lose its line, and counts it", async () => {
    const logger = protectLogger(
      broken(() => {
        throw new Error("no disk");
      }),
      () => 0,
    );
    for (const level of ["debug", "info", "warn", "error"] as const) logger[level]("x");
    const rejecting = protectLogger(
      broken((() => Promise.reject(new Error("no disk"))) as () => never),
      () => 0,
    );
    rejecting.info("x");
    await microtasks();
    expect([logger.dropped, rejecting.dropped]).toEqual([4, 1]);
  });

  it("is made once of a logger", () => {
    const logger = protectLogger(recorder().logger, () => 0);
    expect(protectLogger(logger, () => 0)).toBe(logger);
  });
});

describe("an embedding app's logger that throws", () => {
  const logger = broken(() => {
    throw new Error("no disk");
  });

  it("fails no request, and its lines are counted in the stats and metrics", async () => {
    const options = { logger, adminKey: "an-admin-key-of-a-test", metrics: "open" as const };
    const server = createServer({ ...options, authorize: () => Promise.reject(new Error("x")) });
    const headers = { Authorization: "Bearer an-admin-key-of-a-test" };
    const failed = await server.app.request("/api/realtime?topic=a");
    expect(failed.status).toBe(500);
    const stats = await server.app.request("/api/realtime/stats", { headers });
    const { logLinesDropped } = (await stats.json()) as { logLinesDropped: number };
    expect(logLinesDropped).toBeGreaterThan(0);
    const metrics = await server.app.request("/metrics");
    expect(await metrics.text()).toContain(
      `pocketwire_log_lines_dropped_total ${logLinesDropped}\n`,
    );
    await server.close();
  });

  it("does not keep a manager from removing a client", () => {
    const manager = new RealtimeManager({ logger });
    const sink = new RecordingSink();
    manager.registerClient("0-a", sink);
    expect(manager.removeClient("0-a", "slow")).toBe(true);
    expect(manager.stats().clients).toBe(0);
  });
});
