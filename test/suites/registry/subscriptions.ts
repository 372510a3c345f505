import { afterEach, describe, expect, it } from "vitest";
import type { Principal } from "../../../src/realtime/types.ts";
import { type OpenRegistry, RegistryOpener, type RegistryUnderTest } from "./context.ts";

/** Setting a client's subscriptions, and which requests may do it. */
export function subscriptionTests(open: OpenRegistry): void {
  const opener = new RegistryOpener(open);
  afterEach(() => opener.closeAll());

  describe("setting subscriptions", () => {
    it("replaces the earlier ones", async () => {
      const test = await opener.open();
      const client = await test.connect(["a", "b"]);
      await test.publish({ topic: "a", data: 1 }, { topic: "b", data: 2 }, { topic: "c", data: 3 });
      await test.settle(client);
      await test.subscribe(client, ["b", "c"]);
      await test.publish({ topic: "a", data: 4 }, { topic: "b", data: 5 }, { topic: "c", data: 6 });
      await test.settle(client);
      expect(client.received()).toEqual([
        ["a", 1],
        ["b", 2],
        ["b", 5],
        ["c", 6],
      ]);
    });

    it("shows in the list of clients and in the counts", async () => {
      const { registry } = await opener.open();
      const test = await opener.open();
      const client = await test.connect();
      const keys = ["a", "posts/*", "*", 'a?options={"query":{"x":1}}'];
      await test.registry.setSubscriptions(client.clientId, { subscriptions: keys });
      const listed = (await test.find(client.clientId))?.subscriptions ?? [];
      expect([...listed].sort()).toEqual([...keys].sort());
      expect(await test.registry.stats()).toMatchObject({ subscriptions: 4, topics: 3 });
      expect(await registry.stats()).toMatchObject({ subscriptions: 0, topics: 0 });
    });

    it("ignores empty strings and repeated keys", async () => {
      const test = await opener.open();
      const client = await test.connect();
      await test.subscribe(client, ["", "a", "a", "", "b", "a"]);
      const listed = (await test.find(client.clientId))?.subscriptions ?? [];
      expect([...listed].sort()).toEqual(["a", "b", "fence"]);
      await test.publish({ topic: "a", data: 1 });
      await test.settle(client);
      expect(client.received()).toEqual([["a", 1]]);
    });

    it("to an empty list removes them, and the client stays connected", async () => {
      const test = await opener.open();
      const client = await test.connect(["a", "*"]);
      const witness = await test.connect(["a"]);
      await test.registry.setSubscriptions(client.clientId, { subscriptions: [] });
      await test.publish({ topic: "a", data: 1 });
      await test.settle(witness);
      expect(witness.received()).toEqual([["a", 1]]);
      expect((await test.find(client.clientId))?.subscriptions).toEqual([]);
      await test.subscribe(client, ["a"]);
      await test.publish({ topic: "a", data: 2 });
      await test.settle(client);
      expect(client.received()).toEqual([["a", 2]]);
    });

    it("to the same keys again neither repeats nor misses a message", async () => {
      const test = await opener.open();
      const client = await test.connect(["a"]);
      for (let count = 0; count < 5; count += 1) {
        await test.subscribe(client, ["a"]);
        await test.publish({ topic: "a", data: count });
      }
      await test.settle(client);
      expect(client.sink.data("a")).toEqual([0, 1, 2, 3, 4]);
    });

    it("accepts a thousand keys", async () => {
      const test = await opener.open();
      const client = await test.connect();
      const keys = Array.from({ length: 999 }, (_, index) => `topic/${index}`);
      await test.subscribe(client, keys);
      expect((await test.registry.stats()).subscriptions).toBe(1000);
      await test.publish({ topic: "topic/998", data: 1 }, { topic: "topic/999", data: 2 });
      await test.settle(client);
      expect(client.received()).toEqual([["topic/998", 1]]);
    });

    it("of one client changes nothing for another", async () => {
      const test = await opener.open();
      const [first, second] = [await test.connect(["a"]), await test.connect(["a"])];
      await test.subscribe(first, []);
      await test.publish({ topic: "a", data: 1 });
      await test.settle(first, second);
      expect(first.received()).toEqual([]);
      expect(second.received()).toEqual([["a", 1]]);
    });
  });

  describe("setting subscriptions is refused", () => {
    it("for an unknown client", async () => {
      const { registry } = await opener.open();
      for (const clientId of ["0-nobody", "", "nobody", "99999-nobody", "x".repeat(255)]) {
        const subscribing = registry.setSubscriptions(clientId, { subscriptions: ["a"] });
        await expect(subscribing).rejects.toMatchObject({ code: "unknown_client" });
      }
    });

    it("from another address than that of the stream", async () => {
      const test = await opener.open();
      for (const ip of ["192.0.2.2", undefined, ""]) {
        await expectRefused(test, { ip: "192.0.2.1" }, { ip }, "ip_mismatch");
      }
    });

    it("not for another address of the same IPv6 network, another spelling of an address, or IPv4 written as IPv6", async () => {
      const test = await opener.open();
      for (const [stream, request] of [
        ["2001:db8:1:2::a", "2001:DB8:1:2:0:0:0:A"],
        ["2001:db8:1:2::a", "2001:db8:1:2:3:4:5:6"],
        ["::ffff:192.0.2.1", "192.0.2.1"],
        ["192.0.2.1", "::ffff:c000:201"],
      ]) {
        const client = await test.connect(["a"], { ip: stream });
        await test.subscribe(client, ["b"], { ip: request });
      }
      await expectRefused(
        test,
        { ip: "2001:db8:1:2::a" },
        { ip: "2001:db8:1:3::a" },
        "ip_mismatch",
      );
      await expectRefused(test, { ip: "2001:db8:1:2::a" }, { ip: "192.0.2.1" }, "ip_mismatch");
    });

    it("for another identity than the client's, and for a guest when the client has an identity", async () => {
      const test = await opener.open();
      await expectRefused(test, { identity: "anna" }, { identity: "bert" }, "identity_changed");
      await expectRefused(test, { identity: "anna" }, {}, "identity_changed");
    });

    it("for the address first when the identity differs as well", async () => {
      const test = await opener.open();
      const principal = { ip: "192.0.2.1", identity: "anna" };
      await expectRefused(test, principal, { ip: "192.0.2.2", identity: "bert" }, "ip_mismatch");
    });
  });

  describe("setting subscriptions is allowed", () => {
    it("from any address when that of the stream is unknown", async () => {
      const test = await opener.open();
      const client = await test.connect();
      await test.subscribe(client, ["a"], { ip: "192.0.2.1" });
      await test.subscribe(client, ["a"], { ip: "192.0.2.2" });
      expect((await test.find(client.clientId))?.subscriptions).toContain("a");
    });

    it("for a guest who signs in, and then only for that identity", async () => {
      const test = await opener.open();
      const client = await test.connect(["a"]);
      await test.subscribe(client, ["b"], { identity: "anna" });
      expect((await test.find(client.clientId))?.identity).toBe("anna");
      await test.subscribe(client, ["c"], { identity: "anna" });
      for (const principal of [{}, { identity: "bert" }]) {
        const subscribing = test.subscribe(client, ["d"], principal);
        await expect(subscribing).rejects.toMatchObject({ code: "identity_changed" });
      }
      expect((await test.find(client.clientId))?.subscriptions).toContain("c");
    });

    it("for a guest who stays a guest", async () => {
      const test = await opener.open();
      const client = await test.connect(["a"], { ip: "192.0.2.1" });
      await test.subscribe(client, ["b"], { ip: "192.0.2.1" });
      expect((await test.find(client.clientId))?.identity).toBeUndefined();
      expect((await test.find(client.clientId))?.subscriptions).toContain("b");
    });
  });
}

/** Expects that a client of `principal` keeps its subscriptions when `request` tries to change them. */
async function expectRefused(
  test: RegistryUnderTest,
  principal: Principal,
  request: Principal,
  code: string,
): Promise<void> {
  const client = await test.connect(["old"], principal);
  const subscribing = test.subscribe(client, ["new"], request);
  await expect(subscribing).rejects.toMatchObject({ code });
  await test.publish({ topic: "new", data: 1 }, { topic: "old", data: 2 });
  await test.settle(client);
  expect(client.received()).toEqual([["old", 2]]);
  expect(await test.find(client.clientId)).toMatchObject(principal);
}
