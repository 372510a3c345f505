import { describe, expect, it } from "vitest";
import { createMemoryLog } from "../../../src/log/memory.ts";
import { RealtimeManager } from "../../../src/realtime/manager.ts";
import { CLOSE_REASONS, type LogFields } from "../../../src/realtime/types.ts";
import { connect, entry } from "../../support/manager-under-test.ts";
import { RecordingSink } from "../../support/recording-sink.ts";

describe("registering a client", () => {
  it("refuses an id that is taken, and leaves its client alone", async () => {
    const manager = new RealtimeManager();
    const first = connect(manager, "a");
    const second = new RecordingSink();
    expect(() => manager.registerClient("a", second)).toThrow(
      expect.objectContaining({ name: "RealtimeError", code: "client_exists" }),
    );
    expect(await manager.sendEvent("a", "hello", 1)).toBe(true);
    expect(first.events).toHaveLength(1);
    expect([second.frames, second.closings]).toEqual([[], []]);
  });

  it("takes an id that became free", () => {
    const manager = new RealtimeManager();
    connect(manager, "a", ["chat"]);
    manager.removeClient("a");
    const again = new RecordingSink();
    manager.registerClient("a", again);
    manager.deliver([entry("chat", 1)]);
    expect(again.frames).toEqual([]);
    expect(manager.getClient("a")?.subscriptions).toEqual([]);
  });
});

describe("removing a client", () => {
  it("answers whether it was there, and closes its sink once with the reason", () => {
    const manager = new RealtimeManager();
    const sink = connect(manager, "a", ["chat"]);
    expect(manager.removeClient("a", "stale")).toBe(true);
    expect(manager.removeClient("a", "client")).toBe(false);
    expect(manager.removeClient("nobody")).toBe(false);
    expect(sink.closings).toEqual(["stale"]);
    expect(manager.stats()).toMatchObject({ clients: 0, subscriptions: 0, topics: 0 });
    expect(manager.stats().disconnects).toMatchObject({ stale: 1, client: 0 });
  });

  it("means that it left by itself when no reason is given", () => {
    const manager = new RealtimeManager();
    const sink = connect(manager, "a");
    manager.removeClient("a");
    expect(sink.closings).toEqual(["client"]);
    expect(manager.stats().disconnects.client).toBe(1);
  });

  it("is done for all by close, which means a shutdown", async () => {
    const manager = new RealtimeManager();
    const sinks = ["a", "b", "c"].map((clientId) => connect(manager, clientId, ["chat"]));
    await Promise.all([manager.close(), manager.close()]);
    expect(sinks.map(({ closings }) => closings)).toEqual(sinks.map(() => ["shutdown"]));
    expect(manager.getAllClientIds()).toEqual([]);
    expect(manager.stats().disconnects.shutdown).toBe(3);
  });
});

describe("sendEvent", () => {
  it("is false for a client that is unknown or gone, and no error", async () => {
    const manager = new RealtimeManager();
    connect(manager, "gone");
    manager.removeClient("gone");
    for (const clientId of ["gone", "nobody", "", "__proto__"]) {
      expect(await manager.sendEvent(clientId, "hello", { a: 1 })).toBe(false);
    }
  });

  it("is true for a client that is there, which gets the event", async () => {
    const manager = new RealtimeManager();
    const sink = connect(manager, "a");
    expect(await manager.sendEvent("a", "hello", { a: 1 })).toBe(true);
    expect(sink.events).toEqual([{ event: "hello", data: '{"a":1}', id: sink.events[0]?.id }]);
  });

  it("gives every event a unique id: the cursor of the last message, and a suffix", async () => {
    const manager = new RealtimeManager();
    const sink = connect(manager, "a");
    const idOf = async () => {
      await manager.sendEvent("a", "hello", 1);
      return sink.events.at(-1)?.id ?? "";
    };
    manager.follow({ ...createMemoryLog(), cursor: () => "0-start-7", tail: () => () => {} });
    expect(await idOf()).toMatch(/^0-start-7\.[\w-]{10,}$/);
    const delivered = entry("nobody has it", 1);
    manager.deliver([entry("nobody has it", 1), delivered]);
    expect((await idOf()).startsWith(`${delivered.cursor}.`)).toBe(true);
    const hidden = entry("private", 1, true);
    manager.deliver([hidden]);
    expect((await idOf()).startsWith(`${hidden.cursor}.`)).toBe(true);
    for (let count = 0; count < 1000; count += 1) await manager.sendEvent("a", "hello", count);
    expect(new Set(sink.events.map(({ id }) => id)).size).toBe(1003);
  });

  it("removes a client that does not keep up, and is false", async () => {
    const manager = new RealtimeManager();
    const sink = connect(manager, "a", ["chat"], new RecordingSink(1));
    expect(await manager.sendEvent("a", "hello", 1)).toBe(true);
    expect(await manager.sendEvent("a", "hello", 2)).toBe(false);
    expect(sink.closings).toEqual(["slow"]);
    expect(manager.getAllClientIds()).toEqual([]);
  });

  it("rejects what can't be an event, and the client stays", async () => {
    const manager = new RealtimeManager();
    const sink = connect(manager, "a");
    const invalid = { code: "invalid_event" };
    await expect(manager.sendEvent("a", "a\nb", 1)).rejects.toMatchObject(invalid);
    await expect(manager.sendEvent("a", "hello", 1n)).rejects.toMatchObject(invalid);
    expect(sink.frames).toEqual([]);
    expect(manager.getAllClientIds()).toEqual(["a"]);
  });
});

describe("sendComment", () => {
  it("is false for a client that is unknown or gone, and no error", async () => {
    const manager = new RealtimeManager();
    connect(manager, "gone");
    manager.removeClient("gone");
    for (const clientId of ["gone", "nobody", ""]) {
      expect(await manager.sendComment(clientId, "ping")).toBe(false);
    }
  });

  it("is true for a client that is there, and never an event", async () => {
    const manager = new RealtimeManager();
    const sink = connect(manager, "a");
    expect(await manager.sendComment("a", "ping\ndata: x\n\nevent: y")).toBe(true);
    expect(sink.comments).toEqual(["ping", "data: x", "", "event: y"]);
    expect(sink.events).toEqual([]);
  });

  it("removes a client that does not keep up, and is false", async () => {
    const manager = new RealtimeManager();
    const sink = connect(manager, "a", [], new RecordingSink(0));
    expect(await manager.sendComment("a", "ping")).toBe(false);
    expect(sink.closings).toEqual(["slow"]);
  });
});

describe("clients", () => {
  it("are listed in the order they came", () => {
    const manager = new RealtimeManager();
    for (const clientId of ["c", "a", "b"]) connect(manager, clientId);
    manager.removeClient("a");
    connect(manager, "a");
    expect(manager.getAllClientIds()).toEqual(["c", "b", "a"]);
    manager.getAllClientIds().push("x");
    expect(manager.getAllClientIds()).toEqual(["c", "b", "a"]);
  });

  it("are listed page by page", () => {
    const manager = new RealtimeManager();
    const ids = Array.from({ length: 10 }, (_, index) => `client-${index}`);
    for (const clientId of ids) connect(manager, clientId);
    const page = (limit: number, after?: string) =>
      manager.listClients(limit, after).items.map(({ clientId }) => clientId);
    expect(page(4)).toEqual(ids.slice(0, 4));
    expect(page(4, "client-3")).toEqual(ids.slice(4, 8));
    expect(page(4, "client-7")).toEqual(ids.slice(8));
    expect(page(4, "client-9")).toEqual([]);
    expect(page(0)).toEqual([]);
    expect(page(100)).toEqual(ids);
    expect([9, 10].map((limit) => manager.listClients(limit).hasMore)).toEqual([true, false]);
  });

  it("with very many keys come on pages of their own", () => {
    const manager = new RealtimeManager();
    const subscriptions = Array.from({ length: 300 }, (_, n) => `${n}${"x".repeat(2400)}`);
    for (const clientId of ["a", "b", "c"]) {
      connect(manager, clientId);
      manager.setSubscriptions(clientId, { subscriptions });
    }
    const pages: string[][] = [];
    for (let isMore = true; isMore; ) {
      const page = manager.listClients(100, pages.flat().at(-1));
      pages.push(page.items.map(({ clientId }) => clientId));
      isMore = page.hasMore;
    }
    expect(pages).toEqual([["a"], ["b"], ["c"]]);
  });

  it("get no more keys than their rights may cover", () => {
    const manager = new RealtimeManager();
    connect(manager, "a");
    const rights = Array.from({ length: 100 }, (_, n) => `rooms/${n}/*`);
    const wide = (count: number) =>
      Array.from({ length: count }, (_, n) => `*?options={"query":{"a":${n}}}`);
    const set = (subscriptions: string[]) =>
      manager.setSubscriptions("a", { identity: "anna", rights, subscriptions });
    set(wide(100));
    expect(() => set(wide(101))).toThrow(
      /overlap with the token's rights in more than 10,000 topics/,
    );
    expect(manager.getClient("a")?.subscriptions).toHaveLength(100);
    set(Array.from({ length: 1000 }, (_, n) => `rooms/1/${n}`));
  });

  it("are described with everything that is known of them, and their last activity", () => {
    let time = 1000;
    const manager = new RealtimeManager({ now: () => time });
    const sink = new RecordingSink();
    manager.registerClient("a", sink, { ip: "192.0.2.1", identity: "anna" });
    const described = {
      clientId: "a",
      ip: "192.0.2.1",
      identity: "anna",
      rights: [],
      expiresAt: undefined,
      subscriptions: [],
      connectedAt: 1000,
      lastActivityAt: 1000,
      bufferedBytes: 0,
    };
    expect(manager.getClient("a")).toEqual(described);
    time = 2000;
    sink.bufferedBytes = 5;
    expect(manager.updateActivity("a")).toBe(true);
    expect(manager.getClient("a")).toEqual({
      ...described,
      lastActivityAt: 2000,
      bufferedBytes: 5,
    });
    time = 3000;
    const request = { ip: "192.0.2.1", identity: "anna", subscriptions: ["chat"] };
    manager.setSubscriptions("a", request);
    expect(manager.listClients(1).items[0]).toMatchObject({
      connectedAt: 1000,
      lastActivityAt: 3000,
      subscriptions: ["chat"],
    });
    time = 4000;
    expect(() => manager.setSubscriptions("a", { subscriptions: [] })).toThrow();
    expect(manager.getClient("a")?.lastActivityAt).toBe(3000);
  });

  it("that are unknown have no activity and no description", () => {
    const manager = new RealtimeManager();
    expect(manager.updateActivity("nobody")).toBe(false);
    expect(manager.getClient("nobody")).toBeUndefined();
    expect(manager.listClients(10).items).toEqual([]);
    expect(manager.getAllClientIds()).toEqual([]);
  });
});

describe("the manager's log", () => {
  it("has connects and disconnects, and never message data", async () => {
    const lines: [level: string, msg: string, fields: LogFields | undefined][] = [];
    const at = (level: string) => (msg: string, fields?: LogFields) =>
      void lines.push([level, msg, fields]);
    let time = 0;
    const manager = new RealtimeManager({
      now: () => time,
      logger: { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") },
    });
    manager.registerClient("a", new RecordingSink(1), { ip: "192.0.2.1", identity: "anna" });
    manager.registerClient("b", new RecordingSink());
    manager.setSubscriptions("b", { subscriptions: ["secret/topic", "x"] });
    time = 5400;
    await manager.sendEvent("a", "hello", "secret data");
    await manager.sendEvent("a", "hello", "secret data");
    manager.removeClient("b", "client");
    const slow = { clientId: "a", reason: "slow", ip: "192.0.2.1", connectedSeconds: 5 };
    expect(lines).toEqual([
      ["debug", "client connected", { clientId: "a", ip: "192.0.2.1" }],
      ["debug", "client connected", { clientId: "b", ip: undefined }],
      ["debug", "subscriptions set", { clientId: "b", subscriptions: 2 }],
      ["warn", "client disconnected", { ...slow, bufferedBytes: 0 }],
      ["debug", "client disconnected", expect.objectContaining({ clientId: "b" })],
    ]);
    expect(JSON.stringify(lines)).not.toContain("secret");
  });

  it("has a warning for clients that failed, and a debug line for those that left", () => {
    const warned: unknown[] = [];
    const silent = () => {};
    const warn = (_msg: string, fields?: LogFields) => void warned.push(fields?.reason);
    const manager = new RealtimeManager({
      logger: { debug: silent, info: silent, error: silent, warn },
    });
    for (const reason of CLOSE_REASONS) {
      connect(manager, "a");
      manager.removeClient("a", reason);
    }
    expect(warned.sort()).toEqual(["error", "slow", "stale"]);
  });
});
