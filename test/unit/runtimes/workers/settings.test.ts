import { describe, expect, it } from "vitest";
import { readWorkerSettings, variablesOf } from "../../../../src/runtimes/workers/settings.ts";

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

  it.each([
    { REALTIME_DATA: "./data" },
    { REDIS_URL: "redis://127.0.0.1", REDIS_READ_URL: "redis://127.0.0.1" },
  ])("do not change for %j, because a hub keeps its log in a Durable Object", (env) => {
    expect(readWorkerSettings(env)).toEqual({
      ...readWorkerSettings({}),
      logger: expect.anything(),
    });
  });

  it("refuse more subscriptions than a hub can keep", () => {
    expect(() => readWorkerSettings({ REALTIME_MAX_SUBSCRIPTIONS: "1001" })).toThrow(
      expect.objectContaining({ code: "invalid_config" }),
    );
  });

  it("have rules from text, and from a variable that wrangler's configuration contains as an object", () => {
    const rules = { posts: { listRule: "", viewRule: null } };
    expect(readWorkerSettings({ REALTIME_RULES: JSON.stringify(rules) }).rules).toEqual(rules);
    expect(readWorkerSettings({ REALTIME_RULES: rules }).rules).toEqual(rules);
    expect(variablesOf({ REALTIME_RULES: rules, REALTIME_HUB: {} })).toEqual({
      REALTIME_RULES: JSON.stringify(rules),
    });
  });

  it("have topic rules from text, and from a variable that is a list", () => {
    const topics = [{ match: "chat/*", keep: 5 }];
    expect(readWorkerSettings({ REALTIME_TOPICS: JSON.stringify(topics) }).topics).toEqual(topics);
    expect(readWorkerSettings({ REALTIME_TOPICS: topics }).topics).toEqual(topics);
  });

  it.each([[["posts"]], [null], [{ posts: { listrule: null } }]])(
    "refuse a variable for rules that is no object of rules: %j",
    (REALTIME_RULES) => {
      expect(() => readWorkerSettings({ REALTIME_RULES })).toThrow("REALTIME_RULES is invalid. ");
    },
  );

  it("refuse the path of a file with rules, and say where a path is accepted", () => {
    expect(() => readWorkerSettings({ REALTIME_RULES: "rules.json" })).toThrow(
      'must be a JSON object that begins with "{". Only the programs for Node and Bun accept the path of a JSON file.',
    );
  });
});
