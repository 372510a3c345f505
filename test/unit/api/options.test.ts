import { describe, expect, it } from "vitest";
import { createServer } from "../../../src/api/server.ts";
import { createMemoryLog } from "../../../src/log/memory.ts";
import { RealtimeManager } from "../../../src/realtime/manager.ts";
import type { CollectionRules } from "../../../src/realtime/records/collection.ts";
import { createInProcessRegistry } from "../../../src/registry/in-process/registry.ts";

/** The data of the messages that the history of topic "a" has after three publishes. */
async function historyAfterThree(options: Parameters<typeof createServer>[0]) {
  const server = createServer(options);
  for (const data of [1, 2, 3]) await server.publish({ topic: "a", data });
  const page = await (await server.app.request("/api/realtime/messages?topic=a")).json();
  await server.close();
  return (page as { messages: { data: number }[] }).messages.map(({ data }) => data);
}

describe("the option history", () => {
  it("limits the default log", async () => {
    expect(await historyAfterThree({})).toEqual([1, 2, 3]);
    expect(await historyAfterThree({ history: { messages: 2 } })).toEqual([2, 3]);
    expect(await historyAfterThree({ history: { bytes: 0 } })).toEqual([]);
  });

  it("limits the default log by age", async () => {
    let now = 0;
    const server = createServer({ history: { maxAge: 1000 }, now: () => now });
    await server.publish({ topic: "a", data: 1 });
    now += 2000;
    expect((await server.registry.stats()).history.messages).toBe(0);
    await server.close();
  });

  it("limits the default log beside a manager of one's own", async () => {
    const realtimeManager = new RealtimeManager();
    const options = { realtimeManager, history: { messages: 2 } };
    expect(await historyAfterThree(options)).toEqual([2, 3]);
  });

  it("has no effect on a log of one's own", async () => {
    const log = createMemoryLog({ history: { messages: 1 } });
    expect(await historyAfterThree({ log, history: { messages: 2 } })).toEqual([3]);
  });
});

describe("the option rememberedIds", () => {
  it("limits the ids of the default log", async () => {
    const server = createServer({ rememberedIds: { count: 2 } });
    const ids = ["1", "2", "3", "3", "1"];
    const publish = async (id: string) => (await server.publish({ topic: "a", data: 1, id }))[0];
    const duplicates: boolean[] = [];
    for (const id of ids) duplicates.push((await publish(id))?.duplicate === true);
    expect(duplicates).toEqual([false, false, false, true, false]);
    await server.close();
  });
});

describe("the option data of startServer", () => {
  // Settings of `readConfig` may be passed to `createServer` as they are.
  const data: object = { data: "./data" };

  it("is refused by createServer, which would keep the messages in memory", () => {
    expect(() => createServer(data)).toThrow(
      /Pass log: await openDataLog\(data\), .* or call startServer\./,
    );
  });

  it("is accepted beside the log that was opened with it", async () => {
    await createServer({ ...data, log: createMemoryLog() }).close();
  });
});

describe("the option topics", () => {
  const topics = [{ match: "a", keep: 2 }];
  const history = { messages: 1 };

  it("reaches the default log, which keeps the newest messages of a topic", async () => {
    expect(await historyAfterThree({ history })).toEqual([3]);
    expect(await historyAfterThree({ history, topics })).toEqual([2, 3]);
  });

  it("keeps no more bytes and topics than the limits of kept messages allow", async () => {
    expect(await historyAfterThree({ history, topics, keptBytes: 0 })).toEqual([3]);
    const server = createServer({ history, topics: [{ match: "*", keep: 2 }], keptTopics: 2 });
    for (const topic of ["a", "b", "c"]) await server.publish({ topic, data: 1 });
    expect((await server.registry.stats()).kept).toMatchObject({ topics: 2, evicted: 1 });
    await server.close();
  });

  it("limits the time of messages", async () => {
    let now = 0;
    const server = createServer({ topics: [{ match: "a", ttl: 60 }], now: () => now });
    const read = async () => {
      const page = await (await server.app.request("/api/realtime/messages?topic=a")).json();
      return (page as { messages: { data: number }[] }).messages.map(({ data }) => data);
    };
    await server.publish({ topic: "a", data: 1 }, { topic: "a", data: 2, ttl: 100 });
    now = 59_999;
    expect(await read()).toEqual([1, 2]);
    now = 60_000;
    expect(await read()).toEqual([2]);
    now = 100_000;
    expect(await read()).toEqual([]);
    await server.close();
  });
});

describe("the option rules", () => {
  const rules = { posts: { listRule: "status = 'open'", viewRule: null } };

  it("holds in the default registry", async () => {
    const server = createServer({ rules });
    for (const [id, status] of [
      ["r1", "open"],
      ["r2", "closed"],
    ] as const) {
      await server.publish({ collection: "posts", action: "create", record: { id, status } });
    }
    const read = async (topic: string) => {
      const url = `/api/realtime/messages?topic=${encodeURIComponent(topic)}`;
      const page: unknown = await (await server.app.request(url)).json();
      return (page as { messages: { data: { record: { id: string } } }[] }).messages.map(
        ({ data }) => data.record.id,
      );
    };
    expect(await read("posts")).toEqual(["r1"]);
    expect(await read("posts/*")).toEqual(["r1"]);
    expect(await read("posts/r1")).toEqual([]);
    await server.close();
  });

  it("is checked like the variable", () => {
    // The cast: a misspelt property in JavaScript.
    const misspelt = { posts: { listRul: null } } as Record<string, CollectionRules>;
    expect(() => createServer({ rules: misspelt })).toThrow('Did you mean "listRule"?');
    expect(() => createServer({ rules: { posts: { listRule: "id =" } } })).toThrow(
      'The listRule of the collection "posts" is invalid.',
    );
  });

  it("is refused with a manager or a registry of one's own, which would not apply it", () => {
    const realtimeManager = new RealtimeManager({ rules });
    const registry = createInProcessRegistry({ manager: realtimeManager, log: createMemoryLog() });
    for (const own of [{ realtimeManager }, { registry }]) {
      expect(() => createServer({ ...own, rules })).toThrow("rules would not hold");
      expect(() => createServer({ ...own, rules: undefined })).not.toThrow();
    }
  });
});

describe("the option tracing", () => {
  it.each([true, {}, null])(
    "is refused if it is %j and not what createTracing returns",
    (given) => {
      // The cast: a wrong value in JavaScript.
      expect(() => createServer({ tracing: given as never })).toThrow(
        "tracing must be what createTracing() of pocketwire/tracing returns.",
      );
    },
  );
});
