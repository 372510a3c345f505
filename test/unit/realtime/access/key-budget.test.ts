import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { networkOf } from "../../../../src/realtime/access/ip-address.ts";
import { compileRights } from "../../../../src/realtime/access/rights.ts";
import { RealtimeError } from "../../../../src/realtime/errors.ts";
import { hibernationOf, RealtimeManager } from "../../../../src/realtime/manager.ts";
import { RecordingSink } from "../../../support/recording-sink.ts";

const IP = "192.0.2.1";

function budget(limits: ConstructorParameters<typeof RealtimeManager>[0]) {
  const manager = new RealtimeManager(limits);
  const connect = (clientId: string, ip: string | undefined = IP) =>
    manager.registerClient(clientId, new RecordingSink(), { ip });
  const subscribe = (clientId: string, subscriptions: readonly string[], more: object = {}) =>
    manager.setSubscriptions(clientId, { ip: IP, subscriptions, ...more });
  const used = () => manager.stats().keyBudget;
  return { manager, connect, subscribe, used };
}

describe("the budget of subscription keys", () => {
  it("of an address refuses what is beyond it, changes nothing then, and says what to do", () => {
    const { manager, connect, subscribe, used } = budget({ maxKeysPerAddress: 5 });
    for (const clientId of ["a", "b"]) connect(clientId);
    subscribe("a", ["1", "2", "2", "", "3"]);
    expect(() => subscribe("b", ["1", "2", "3"])).toThrow(
      "The streams from this address would have 6 subscription keys, and 5 are allowed. Subscribe to fewer keys, or close streams.",
    );
    expect(manager.getClient("b")?.subscriptions).toEqual([]);
    subscribe("b", ["1", "2"]);
    expect(() => subscribe("a", ["1", "2", "3", "4"])).toThrow(RealtimeError);
    expect(manager.getClient("a")?.subscriptions).toEqual(["1", "2", "3"]);
    expect(used()).toMatchObject({ used: 5, refused: 2, characters: 5 });
    manager.removeClient("a");
    subscribe("b", ["1", "2", "3", "4", "5"]);
  });

  it("refuses a client that connects with too many keys", () => {
    const { manager } = budget({ maxKeysPerAddress: 2 });
    expect(() => manager.admit({ ip: IP }, ["1", "2", "3"])).toThrow("would have 3");
    manager.admit({ ip: IP }, ["1", "2", "1"]);
  });

  it("in all counts the clients of every address, and those without one", () => {
    const { manager, connect, subscribe } = budget({ maxKeys: 3 });
    connect("a");
    manager.registerClient("b", new RecordingSink());
    subscribe("a", ["1", "2"]);
    expect(() => manager.setSubscriptions("b", { subscriptions: ["1", "2"] })).toThrow(
      expect.objectContaining({ code: "too_many_clients" }),
    );
    manager.setSubscriptions("b", { subscriptions: ["1"] });
  });

  it("counts characters, and each topic that rights cover of a key, until the rights end", () => {
    let time = 0;
    const manager = new RealtimeManager({ maxKeyCharacters: 30, now: () => time });
    const principal = { identity: "anna", rights: ["a/1", "a/2", "b"], expiresAt: 10 };
    manager.registerClient("a", new RecordingSink(), principal);
    manager.setSubscriptions("a", { ...principal, subscriptions: ["*", "a/*", "b", "c"] });
    const { used, characters } = manager.stats().keyBudget;
    expect([used, characters]).toEqual([4 + 3 + 2 + 1, 6]);
    time = 10;
    manager.expire();
    expect(manager.stats().keyBudget.used).toBe(4);
  });

  it("counts a client that is restored after hibernation, and never refuses it", () => {
    const { manager, connect, subscribe, used } = budget({ maxKeysPerAddress: 2 });
    const snapshot = { clientId: "restored", connectedAt: 0, ip: IP };
    hibernationOf(manager).restoreClient(snapshot, ["1", "2", "3"], new RecordingSink());
    expect(used().used).toBe(3);
    connect("a");
    expect(() => subscribe("a", ["1"])).toThrow(RealtimeError);
    subscribe("restored", ["1"]);
    subscribe("a", ["1"]);
  });
});

const anyIP = fc.constantFrom("192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2", undefined);
const anyKey = fc.constantFrom("", "a", "a/*", "a/b", "*", 'chat?options={"x":1}', "é".repeat(20));
const anyRights = fc.array(fc.constantFrom("a/b", "a/*", "c", "*"), { maxLength: 3 });
const anyStep = fc.record({
  client: fc.nat(5),
  ip: anyIP,
  keys: fc.array(anyKey, { maxLength: 6 }),
  rights: anyRights,
  does: fc.constantFrom("connect", "subscribe", "subscribe", "subscribe", "leave"),
});
const LIMITS = {
  ...{ maxClients: 5, maxClientsPerAddress: 3, maxKeys: 20, maxKeysPerAddress: 12 },
  ...{ maxKeyCharacters: 120, maxKeyCharactersPerAddress: 70 },
};

describe("the budgets", () => {
  it("hold for any mix of clients, addresses, keys and rights, and are empty when all have left", () => {
    fc.assert(
      fc.property(fc.array(anyStep, { maxLength: 40 }), (steps) => {
        const manager = new RealtimeManager(LIMITS);
        for (const { client, ip, keys, rights, does } of steps) {
          const clientId = `client ${client}`;
          try {
            if (does === "leave") manager.removeClient(clientId);
            else if (does === "connect")
              manager.registerClient(clientId, new RecordingSink(), { ip });
            else {
              const own = manager.getClient(clientId)?.ip;
              manager.setSubscriptions(clientId, { ip: own, subscriptions: keys, rights });
            }
          } catch (error) {
            expect(error).toBeInstanceOf(RealtimeError);
          }
          expectWithin(manager);
        }
        for (const clientId of manager.getAllClientIds()) manager.removeClient(clientId);
        expect(manager.stats().keyBudget).toMatchObject({ used: 0, characters: 0 });
      }),
    );
  });
});

/** Counts what there is by looking at each client. */
function expectWithin(manager: RealtimeManager): void {
  const clients = manager.listClients(1000).items;
  const costOf = ({ subscriptions, rights = [] }: (typeof clients)[number]) => {
    const compiled = compileRights(rights);
    const topics = subscriptions.map((key) => compiled.coveredTopics(key.split("?")[0] ?? ""));
    return {
      keys: subscriptions.length + topics.flat().length,
      characters: subscriptions.join("").length,
    };
  };
  const sum = (some: typeof clients, name: "keys" | "characters") =>
    some.reduce((all, client) => all + costOf(client)[name], 0);
  expect(manager.stats().keyBudget).toMatchObject({
    used: sum(clients, "keys"),
    characters: sum(clients, "characters"),
  });
  expect(clients.length).toBeLessThanOrEqual(LIMITS.maxClients);
  expect(sum(clients, "keys")).toBeLessThanOrEqual(LIMITS.maxKeys);
  expect(sum(clients, "characters")).toBeLessThanOrEqual(LIMITS.maxKeyCharacters);
  for (const network of new Set(clients.flatMap(({ ip }) => (ip ? [networkOf(ip)] : [])))) {
    const some = clients.filter(({ ip }) => ip !== undefined && networkOf(ip) === network);
    expect(some.length).toBeLessThanOrEqual(LIMITS.maxClientsPerAddress);
    expect(sum(some, "keys")).toBeLessThanOrEqual(LIMITS.maxKeysPerAddress);
    expect(sum(some, "characters")).toBeLessThanOrEqual(LIMITS.maxKeyCharactersPerAddress);
  }
}
