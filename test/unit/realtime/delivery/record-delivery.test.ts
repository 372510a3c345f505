import { describe, expect, it } from "vitest";
import { createMemoryLog } from "../../../../src/log/memory.ts";
import { parseCursor } from "../../../../src/realtime/cursor.ts";
import { RealtimeManager } from "../../../../src/realtime/manager.ts";
import type { ManagerOptions } from "../../../../src/realtime/manager-options.ts";
import { createMessage } from "../../../../src/realtime/message.ts";
import type { LogEntry, Principal } from "../../../../src/realtime/types.ts";
import { within } from "../../../support/deadline.ts";
import { countEvaluations, keyWith } from "../../../support/message-content.ts";
import { RecordingSink } from "../../../support/recording-sink.ts";

const record = { id: "r1", owner: "u1", status: "open" };
let sequence = 0;

function entryOf(change: Partial<typeof record> = {}): LogEntry {
  sequence += 1;
  const message = createMessage({
    collection: "posts",
    action: "update",
    record: { ...record, ...change },
  });
  return { cursor: `0-test-${sequence}`, at: 0, message };
}

function connect(
  manager: RealtimeManager,
  id: string,
  keys: readonly string[],
  principal: Principal = {},
) {
  const sink = new RecordingSink();
  manager.registerClient(id, sink, principal);
  manager.setSubscriptions(id, { subscriptions: keys, ...principal });
  return sink;
}

describe("a delivery to streams with and without envelopes", () => {
  it("encodes one frame for all clients of a key with envelopes, and one for those without", () => {
    const manager = new RealtimeManager();
    const sinks = [true, false, true, false].map((envelope, index) => {
      const sink = new RecordingSink();
      manager.registerClient(`${index}`, sink, { envelope });
      manager.setSubscriptions(`${index}`, { subscriptions: ["posts/*"] });
      return sink;
    });
    manager.deliver([entryOf()]);
    const frames = sinks.map((sink) => sink.frames[0]);
    expect(frames[0]).toBe(frames[2]);
    expect(frames[1]).toBe(frames[3]);
    expect(frames[0]).not.toEqual(frames[1]);
    expect(sinks.flatMap(({ events }) => events.map(({ event }) => event))).toEqual(
      Array(4).fill("posts/*"),
    );
  });
});

/** Delivers one message to clients, and returns the number of evaluations and of clients that received it. */
async function deliver(
  clients: readonly { readonly keys: readonly string[]; readonly principal?: Principal }[],
  options: ManagerOptions = {},
) {
  const manager = new RealtimeManager(options);
  const sinks = clients.map(({ keys, principal }, index) =>
    connect(manager, `${index}`, keys, principal),
  );
  const { now } = performance;
  const evaluations = await countEvaluations(async () => {
    // A slice ends after 5 ms, and the next one decides again. With this clock only the cost ends a slice.
    performance.now = () => 0;
    try {
      manager.deliver([entryOf()]);
      await within(manager.settled() ?? Promise.resolve(), 20_000, "the message is delivered");
    } finally {
      performance.now = now;
    }
  });
  return { evaluations, received: sinks.filter(({ events }) => events.length > 0).length, sinks };
}

const many = (
  count: number,
  clientOf: (index: number) => { readonly keys: string[]; readonly principal?: Principal },
) => Array.from({ length: count }, (_, index) => clientOf(index));

describe("the delivery of a record event", () => {
  it("evaluates the filter of one key once for 1,000 clients, which share the frame", async () => {
    const key = keyWith("posts/*", { filter: "status = 'open'" });
    const { evaluations, received, sinks } = await deliver(many(1_000, () => ({ keys: [key] })));
    expect({ evaluations, received }).toEqual({ evaluations: 1, received: 1_000 });
    expect(sinks.every(({ frames }) => frames[0] === sinks[0]?.frames[0])).toBe(true);
  });

  it("evaluates each of ten filters once for 1,000 clients", async () => {
    const keys = many(10, (index) => ({
      keys: [keyWith("posts/*", { filter: `status != '${index}'` })],
    }));
    const clients = many(1_000, (index) => ({ keys: keys[index % 10]?.keys ?? [] }));
    expect(await deliver(clients)).toMatchObject({ evaluations: 10, received: 1_000 });
  });

  it("evaluates a rule that does not read the user once for all keys", async () => {
    const rules = { posts: { listRule: "status = 'open'" } };
    const clients = many(1_000, (index) => ({
      keys: [keyWith("posts/*", { tab: index % 20 })],
      principal: { auth: { id: `u${index}` } },
    }));
    const { evaluations, received } = await deliver(clients, { rules });
    expect({ evaluations, received }).toEqual({ evaluations: 1, received: 1_000 });
  });

  it("evaluates a rule that reads the user once for each identity", async () => {
    const rules = { posts: { listRule: "owner = @request.auth.id" } };
    const clients = many(1_000, (index) => ({
      keys: ["posts/*"],
      principal: { auth: { id: `u${index % 5}` } },
    }));
    const { evaluations, received } = await deliver(clients, { rules });
    expect({ evaluations, received }).toEqual({ evaluations: 5, received: 200 });
  });

  it("decides when it runs, and not when it starts behind another delivery", async () => {
    const key = keyWith("posts/*", { filter: "status = 'open'" });
    const manager = new RealtimeManager({}, 1);
    const sink = connect(manager, "a", [key]);
    const started = await countEvaluations(() =>
      manager.deliver(Array.from({ length: 50 }, () => entryOf())),
    );
    expect(started).toBe(1);
    expect(await countEvaluations(() => manager.settled())).toBe(49);
    expect(sink.events).toHaveLength(50);
  });

  it("gives ids between two keys from which a client resumes, whatever a filter drops", async () => {
    const keys = [
      "posts/*",
      keyWith("posts/*", { filter: "status = 'open'" }),
      keyWith("posts/*", { filter: "status = 'closed'" }),
      keyWith("posts/r1", { filter: "owner = 'u1'", fields: "id" }),
      keyWith("posts", { actions: "delete" }),
    ];
    const log = createMemoryLog();
    const manager = new RealtimeManager({});
    manager.follow(log);
    const statuses = ["open", "closed", "new", "open"];
    const live = connect(manager, "live", keys);
    await log.append(statuses.map((status) => entryOf({ status }).message));
    await within(manager.settled() ?? Promise.resolve(), 20_000, "all is delivered");
    const all = live.events.map(({ event, data, id }) => ({ event, data, id }));
    expect(all).toHaveLength(3 + 3 + 2 + 3);
    for (const [index, { id }] of all.entries()) {
      const cursor = manager.parseEventId(id ?? "");
      expect(cursor).toEqual(parseCursor(id ?? ""));
      const resumed = new RecordingSink();
      manager.registerClient(`resumed ${index}`, resumed);
      manager.setSubscriptions(`resumed ${index}`, { subscriptions: keys, lastEventId: id });
      const rest = all.slice(index + 1);
      const received = await resumed.receive(rest.length + 1, "events after a resume");
      const messages = received.filter(({ event }) => event !== "PB_RESUME");
      expect(messages.map(({ event, data, id: own }) => ({ event, data, id: own }))).toEqual(rest);
    }
  });
});
