import { describe, expect, it } from "vitest";
import { createMemoryLog } from "../../../src/log/memory.ts";
import { REMEMBERED_REVOCATIONS } from "../../../src/realtime/access/revocations.ts";
import { hibernationOf, RealtimeManager } from "../../../src/realtime/manager.ts";
import { createMessage } from "../../../src/realtime/message.ts";
import type { Principal } from "../../../src/realtime/types.ts";
import { entry } from "../../support/manager-under-test.ts";
import { RecordingSink } from "../../support/recording-sink.ts";

/** A manager over a log, by a clock of the test's own. */
function world(authGrace = 1000) {
  let time = 10_000;
  const now = () => time;
  const log = createMemoryLog({ now });
  const manager = new RealtimeManager({ now, authGrace });
  manager.follow(log);
  let published = 0;
  return {
    manager,
    pass: (milliseconds: number) => {
      time += milliseconds;
    },
    publish: (isPrivate: boolean) => {
      published += 1;
      void log.append([createMessage({ topic: "a", data: published, private: isPrivate })]);
    },
    connect: (clientId: string, principal: Principal) => {
      const sink = new RecordingSink();
      manager.registerClient(clientId, sink, principal);
      manager.setSubscriptions(clientId, { ...principal, subscriptions: ["a"] });
      return sink;
    },
  };
}

const ANNA = { identity: "anna", rights: ["*"] };
const heard = (sink: RecordingSink) =>
  sink.events.map(({ event, data }) => [event, JSON.parse(data)]);

describe("a credential that expires", () => {
  it("loses its rights at once, sends PB_AUTH_EXPIRED, and closes the stream after the grace", () => {
    const { manager, pass, publish, connect } = world();
    const sink = connect("c", { ...ANNA, expiresAt: 15_000 });
    expect(manager.expiresIn).toBe(5000);
    publish(true);
    pass(4999);
    expect(manager.expire()).toEqual([]);
    pass(1);
    expect(manager.expire()).toEqual(["c"]);
    publish(true);
    publish(false);
    expect(heard(sink)).toEqual([
      ["a", 1],
      ["PB_AUTH_EXPIRED", { closesIn: 1000 }],
      ["a", 3],
    ]);
    expect(manager.expiresIn).toBe(1000);
    pass(1000);
    expect(manager.expire()).toEqual(["c"]);
    expect(sink.closings).toEqual(["expired"]);
    expect(manager.stats().disconnects.expired).toBe(1);
    expect(manager.expiresIn).toBe(undefined);
  });

  it("sends no private message even when expire is called too late", () => {
    const { pass, publish, connect } = world();
    const sink = connect("c", { ...ANNA, expiresAt: 15_000 });
    pass(60_000);
    publish(true);
    expect(heard(sink)).toEqual([["PB_AUTH_EXPIRED", { closesIn: 1000 }]]);
  });

  it("is replaced by a fresh one of the same identity, also in the grace, and by no other", () => {
    const { manager, pass, publish, connect } = world();
    const sink = connect("c", { ...ANNA, expiresAt: 15_000 });
    pass(5000);
    manager.expire();
    const other = { identity: "bert", rights: ["*"], subscriptions: ["a"] };
    expect(() => manager.setSubscriptions("c", other)).toThrow(/don't match/);
    expect(() => manager.setSubscriptions("c", { subscriptions: ["a"] })).toThrow(/don't match/);
    const fresh = { ...ANNA, expiresAt: 30_000, subscriptions: ["a"] };
    manager.setSubscriptions("c", fresh);
    pass(5000);
    expect(manager.expire()).toEqual([]);
    publish(true);
    expect(sink.closings).toEqual([]);
    expect(heard(sink).at(-1)).toEqual(["a", 1]);
    expect(manager.expiresIn).toBe(10_000);
  });

  it("without end never does; one that is without end now neither", () => {
    const { manager, connect } = world();
    connect("c", ANNA);
    expect(manager.expiresIn).toBe(undefined);
    connect("d", { ...ANNA, expiresAt: 15_000 });
    manager.setSubscriptions("d", { ...ANNA, subscriptions: [] });
    expect(manager.expiresIn).toBe(undefined);
  });

  it("of many is looked at by one clock: the next that is due", () => {
    const { manager, pass, connect } = world();
    for (let n = 0; n < 50; n++) connect(`c${n}`, { ...ANNA, expiresAt: 20_000 + 100 * n });
    manager.removeClient("c0");
    pass(10_000);
    expect(manager.expire()).toEqual([]);
    pass(250);
    expect(manager.expire()).toEqual(["c1", "c2"]);
    expect(manager.expiresIn).toBe(50);
  });
});

describe("the auth record of a client, and whether the client is an administrator", () => {
  const record = { id: "r1", role: "editor" };
  const ROOT = { identity: "root", rights: ["*"], isAdmin: true };
  const stored = ({ manager }: { manager: RealtimeManager }) => {
    const { auth, isAdmin } = hibernationOf(manager).snapshotOf("c") ?? {};
    return { auth, isAdmin: isAdmin ?? false };
  };

  it("come from the request that opened the stream", () => {
    const test = world();
    test.manager.registerClient("c", new RecordingSink(), { ...ANNA, auth: record });
    expect(stored(test)).toEqual({ auth: record, isAdmin: false });
    test.manager.removeClient("c");
    test.manager.registerClient("c", new RecordingSink(), ROOT);
    expect(stored(test)).toEqual({ auth: undefined, isAdmin: true });
  });

  it("are replaced by those of each request that sets the subscriptions", () => {
    const test = world();
    test.connect("c", { ...ANNA, auth: record });
    const newer = { id: "r1", role: "reader" };
    test.manager.setSubscriptions("c", { ...ANNA, auth: newer, subscriptions: ["a"] });
    expect(stored(test)).toEqual({ auth: newer, isAdmin: false });
    test.manager.setSubscriptions("c", { ...ANNA, subscriptions: ["a"] });
    expect(stored(test)).toEqual({ auth: undefined, isAdmin: false });
  });

  it("are not changed by a refused or an older request", () => {
    const test = world();
    const request = { subscriptions: ["a"], auth: record };
    test.connect("c", {});
    test.manager.setSubscriptions("c", { ...ANNA, ...request, arrivedAt: 20 });
    test.manager.setSubscriptions("c", { ...ANNA, subscriptions: ["a"], arrivedAt: 10 });
    const bert = { identity: "bert", auth: { id: "bert" }, isAdmin: true };
    expect(() => test.manager.setSubscriptions("c", { ...bert, subscriptions: [] })).toThrow();
    expect(stored(test)).toEqual({ auth: record, isAdmin: false });
  });

  it("are lost when the credential expires, and come back with a fresh one", () => {
    for (const caller of [{ ...ANNA, auth: record }, ROOT]) {
      const test = world();
      test.connect("c", { ...caller, expiresAt: 15_000 });
      const before = stored(test);
      test.pass(5000);
      expect(stored(test)).toEqual(before);
      test.manager.expire();
      expect(stored(test)).toEqual({ auth: undefined, isAdmin: false });
      test.manager.setSubscriptions("c", { ...caller, subscriptions: ["a"] });
      expect(stored(test)).toEqual(before);
    }
  });

  it("make an administrator's stream that a request without the key can't change", () => {
    const test = world();
    test.connect("c", ROOT);
    for (const other of [{}, { ...ANNA, auth: record }]) {
      expect(() => test.manager.setSubscriptions("c", { ...other, subscriptions: [] })).toThrow(
        /don't match/,
      );
    }
    expect(stored(test)).toEqual({ auth: undefined, isAdmin: true });
  });

  it("make an administrator without an identity whoever the next request says", () => {
    const test = world();
    test.connect("c", { isAdmin: true });
    test.manager.setSubscriptions("c", { ...ANNA, auth: record, subscriptions: ["a"] });
    expect(stored(test)).toEqual({ auth: record, isAdmin: false });
    test.manager.removeClient("c");
    test.connect("c", { isAdmin: true });
    test.manager.setSubscriptions("c", { subscriptions: ["a"] });
    expect(stored(test)).toEqual({ auth: undefined, isAdmin: false });
  });
});

describe("a credential that expires while messages are on their way to a client that is too slow", () => {
  it("leaves nothing of the client in the counts", () => {
    let time = 0;
    // A slice of cost 0: deliveries are interrupted before the first client.
    const manager = new RealtimeManager({ now: () => time }, 0);
    const sink = new RecordingSink(0);
    const principal = { ...ANNA, expiresAt: 10 };
    manager.registerClient("c", sink, principal);
    manager.setSubscriptions("c", { ...principal, subscriptions: ["a"] });
    manager.deliver([entry("a", 1)]);
    time = 10;
    expect(manager.expire()).toEqual(["c"]);
    expect(sink.closings).toEqual(["slow"]);
    expect(manager.stats().keyBudget).toMatchObject({ used: 0, characters: 0 });
    expect(manager.expiresIn).toBeUndefined();
  });
});

describe("rights that change with a POST", () => {
  it("count from then on, for keys that the client had as well", () => {
    const { manager, publish, connect } = world();
    const sink = connect("c", {});
    publish(true);
    manager.setSubscriptions("c", { ...ANNA, subscriptions: ["a"] });
    publish(true);
    manager.setSubscriptions("c", { identity: "anna", subscriptions: ["a"] });
    publish(true);
    expect(sink.data("a")).toEqual([2]);
  });
});

describe("a revocation", () => {
  it("ends the subject's streams, refuses what was issued before it, and takes what is newer", () => {
    const { manager, pass, connect } = world();
    const sinks = [connect("c1", ANNA), connect("c2", ANNA), connect("c3", { identity: "bert" })];
    expect(manager.revoke({ subject: "anna" })).toEqual({ disconnected: 2, forgotten: [] });
    expect(sinks.map(({ closings }) => closings)).toEqual([["revoked"], ["revoked"], []]);
    for (const issuedAt of [undefined, 0, 9000, 10_000]) {
      expect(() => manager.admit({ ...ANNA, issuedAt }), String(issuedAt)).toThrow(/revoked/);
      expect(() => manager.checkCredential({ ...ANNA, issuedAt })).toThrow(/revoked/);
    }
    connect("guest", {});
    const late = { ...ANNA, issuedAt: 9000, subscriptions: [] };
    expect(() => manager.setSubscriptions("guest", late)).toThrow(/revoked/);
    expect(manager.getClient("guest")?.identity).toBe(undefined);
    pass(1000);
    manager.admit({ ...ANNA, issuedAt: 11_000 });
    manager.admit({ identity: "bert", issuedAt: 0 });
    manager.admit({});
  });

  it("of one client leaves the others of its subject", () => {
    const { manager, connect } = world();
    const sinks = [connect("c1", ANNA), connect("c2", ANNA)];
    expect(manager.revoke({ clientId: "c1" }).disconnected).toBe(1);
    expect(manager.revoke({ clientId: "c1" }).disconnected).toBe(0);
    expect(sinks.map(({ closings }) => closings)).toEqual([["revoked"], []]);
    manager.admit({ ...ANNA, issuedAt: 0 });
  });

  it("is forgotten after so long, or when too many came since", () => {
    const { manager, pass } = world();
    const { count, maxAge } = REMEMBERED_REVOCATIONS;
    manager.revoke({ subject: "anna" });
    for (let n = 1; n < count; n++) manager.revoke({ subject: `other ${n}` });
    expect(() => manager.admit(ANNA)).toThrow(/revoked/);
    expect(manager.revoke({ subject: "one more" }).forgotten).toEqual(["anna"]);
    manager.admit(ANNA);
    pass(maxAge);
    expect(manager.revoke({ subject: "much later" }).forgotten).toHaveLength(count);
  });
});

describe("the address of a POST", () => {
  it("must be the stream's, unless that is switched off", () => {
    const request = { ip: "192.0.2.2", subscriptions: [] };
    for (const checkAddress of [true, false]) {
      const manager = new RealtimeManager({ checkAddress });
      manager.registerClient("c", new RecordingSink(), { ip: "192.0.2.1" });
      const set = () => manager.setSubscriptions("c", request);
      if (checkAddress) expect(set).toThrow(/Invalid realtime client/);
      else set();
    }
  });
});

describe("subscriptions from another address", () => {
  it("are logged with both addresses, once a minute with a count", () => {
    const lines: unknown[] = [];
    const note = (msg: string, fields?: object) => void lines.push({ msg, ...fields });
    const logger = { debug: () => {}, info: note, warn: note, error: note };
    let time = 0;
    const manager = new RealtimeManager({ logger, now: () => time });
    manager.registerClient("c", new RecordingSink(), { ip: "2001:db8::1" });
    const set = () => manager.setSubscriptions("c", { ip: "192.0.2.1", subscriptions: [] });
    for (let n = 0; n < 100; n++) expect(set).toThrow(/Invalid realtime client/);
    time += 60_000;
    expect(set).toThrow(/Invalid realtime client/);
    const line = {
      msg: "subscriptions refused for the address",
      ...{ streamAddress: "2001:db8::1", requestAddress: "192.0.2.1" },
      hint: expect.stringContaining("set checkAddress to false"),
    };
    expect(lines).toEqual([line, { ...line, count: 100 }]);
  });
});

describe("clients that are refused because of a limit", () => {
  it("are logged once a minute", () => {
    const lines: string[] = [];
    const note = (msg: string) => void lines.push(msg);
    const logger = { debug: () => {}, info: note, warn: note, error: note };
    let time = 0;
    const manager = new RealtimeManager({ logger, maxClients: 1, now: () => time });
    manager.registerClient("c", new RecordingSink());
    for (let n = 0; n < 100; n++) expect(() => manager.admit({})).toThrow(/Try again later/);
    time += 60_000;
    expect(() => manager.registerClient("d", new RecordingSink())).toThrow(/Try again later/);
    expect(lines).toEqual(["clients are refused", "clients are refused"]);
  });
});
