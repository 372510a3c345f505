import { describe, expect, it } from "vitest";
import { readWorkerSettings } from "../../../../src/runtimes/workers/settings.ts";

describe("the settings of a Worker", () => {
  it("have lower defaults where an object or an isolate holds less than a process", () => {
    expect(readWorkerSettings({})).toMatchObject({
      maxClients: 30_000,
      maxKeys: 125_000,
      maxWaitingBytes: 32 * 1024 * 1024,
    });
  });

  it("are those of the variables, of numbers as well, and bindings of other kinds are left out", () => {
    const env = { REALTIME_MAX_CLIENTS: 0, REALTIME_MAX_KEYS: "10", REALTIME_HUB: { get() {} } };
    expect(readWorkerSettings(env)).toMatchObject({ maxClients: 0, maxKeys: 10 });
  });

  it("refuse more subscriptions than a hub can keep", () => {
    expect(() => readWorkerSettings({ REALTIME_MAX_SUBSCRIPTIONS: "1001" })).toThrow(
      expect.objectContaining({ code: "invalid_config" }),
    );
  });
});
