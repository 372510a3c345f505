import { describe, expect, it } from "vitest";
import { readConfig } from "../../../src/config/config.ts";
import { findContradictions } from "../../../src/config/contradictions.ts";
import { findProcessContradictions } from "../../../src/config/process-contradictions.ts";
import type { Environment } from "../../../src/config/table.ts";

const found = (environment: Environment) => findContradictions(readConfig(environment));

describe("settings that contradict each other", () => {
  it("are not found in the defaults, nor in settings that fit", () => {
    expect(found({})).toEqual([]);
    const secret = "a".repeat(32);
    expect(found({ REALTIME_ANONYMOUS: "none", REALTIME_JWT_SECRET: secret })).toEqual([]);
    expect(found({ REALTIME_HISTORY_BYTES: "0", REALTIME_MAX_CLIENTS: "0" })).toEqual([]);
  });

  const cases: [environment: Environment, text: string][] = [
    [{ REALTIME_MAX_BODY_BYTES: "2000" }, "above REALTIME_MAX_BODY_BYTES"],
    [{ REALTIME_MAX_BUFFERED_BYTES: "2000" }, "above REALTIME_MAX_BUFFERED_BYTES"],
    [
      { REALTIME_ANONYMOUS: "none", REALTIME_ADMIN_KEY: "1234567890123456" },
      "no tokens are configured",
    ],
    [{ REALTIME_COOKIE: "session" }, "REALTIME_COOKIE"],
    [{ REALTIME_QUERY_TOKEN: "true" }, "REALTIME_QUERY_TOKEN"],
    [{ REALTIME_MAX_CLIENTS: "10" }, "above REALTIME_MAX_CLIENTS"],
    [{ REALTIME_HISTORY_BYTES: "1000" }, "above REALTIME_HISTORY_BYTES"],
  ];
  it.each(cases)("are found: %j", (environment, text) => {
    const [hint, ...more] = found(environment);
    expect(hint).toContain(text);
    expect(more).toEqual([]);
  });

  const foundInProcess = (environment: Environment) =>
    findProcessContradictions(readConfig(environment), environment);
  const ofProcess: [environment: Environment, text: string][] = [
    [{ REALTIME_DATA_SYNC: "full" }, "REALTIME_DATA is not set"],
    [{ REDIS_PREFIX: "a" }, "REDIS_URL is not"],
  ];
  it.each(ofProcess)("are found in a process: %j", (environment, text) => {
    expect(foundInProcess(environment)).toEqual([expect.stringContaining(text)]);
    const fitting = { ...environment, REDIS_URL: "redis://127.0.0.1", REALTIME_DATA: "a" };
    expect(foundInProcess(fitting)).toEqual([]);
  });
});
