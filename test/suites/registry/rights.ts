import { afterEach, describe, expect, it } from "vitest";
import type { PublishInput } from "../../../src/realtime/message.ts";
import type { Principal, SubscribeRequest } from "../../../src/realtime/types.ts";
import { eventually } from "../../support/deadline.ts";
import { RecordingSink } from "../../support/recording-sink.ts";
import { type OpenRegistry, RegistryOpener, type TestClient } from "./context.ts";

/** The `authGrace` of registries under test, in milliseconds. */
export const AUTH_GRACE = 1500;

const ANNA: Principal = { identity: "anna", rights: ["posts/*", "chat"] };
const secret = (topic: string, data: unknown): PublishInput => ({ topic, data, private: true });

/** Private messages, expiry of credentials, revocations, and the lists for operators. */
export function rightsTests(open: OpenRegistry): void {
  const opener = new RegistryOpener(open);
  afterEach(() => opener.closeAll());

  describe("private messages", () => {
    it("reach clients with a right to the topic, and no guests", async () => {
      const test = await opener.open();
      const keys = ["*", "posts/*", "posts/r1", "other"];
      const anna = await test.connect(keys, ANNA);
      const bert = await test.connect(keys, { identity: "bert", rights: ["other"] });
      const guest = await test.connect(keys);
      await test.publish(
        secret("posts/r1", "one"),
        secret("other", "two"),
        { topic: "other", data: "three" },
        { collection: "posts", action: "update", record: { id: "r2" }, private: true },
      );
      await test.settle(anna, bert, guest);
      // A client with the key `*` gets the fence under that key as well.
      const fence = "* 1";
      const record = { action: "update", record: { id: "r2" } };
      expect(sorted(anna)).toEqual(
        [
          ["*", 1],
          ["*", "one"],
          ["posts/*", "one"],
          ["posts/r1", "one"],
          ["*", "three"],
          ["other", "three"],
          ["*", record],
          ["posts/*", record],
        ]
          .map(asText)
          .toSorted(),
      );
      expect(sorted(bert)).toEqual(['* "three"', '* "two"', fence, 'other "three"', 'other "two"']);
      expect(sorted(guest)).toEqual(['* "three"', fence, 'other "three"']);
    });

    it("need the same rights in replays and in the history", async () => {
      const test = await opener.open();
      const first = await test.connect([], {});
      const after = first.connection.cursor;
      if (after === undefined) throw new Error("The registry keeps no history.");
      const [shard] = after.split("-");
      await test.publish(secret("chat", 1), { topic: "chat", data: 2 }, secret("other", 3));
      const replayed = async (principal: Principal, start: Partial<SubscribeRequest>) => {
        const sink = new RecordingSink();
        const topics = ["chat", "other"];
        const connection = await test.registry.open({ ...principal, ...start, topics });
        // With several shards a stream with `last` may be on any of them.
        if (start.lastEventId) expect(connection.clientId.split("-")[0]).toBe(shard);
        await connection.attach(sink);
        await eventually(() => sink.data("chat").includes(2), "the replay");
        return [sink.data("chat"), sink.data("other")];
      };
      for (const start of [{ lastEventId: after }, { last: 5 }]) {
        expect(await replayed(ANNA, start)).toEqual([[1, 2], []]);
        expect(await replayed({}, start)).toEqual([[2], []]);
        expect(await replayed({ identity: "root", rights: ["*"] }, start)).toEqual([[1, 2], [3]]);
      }
      const read = async (reader?: Principal) => {
        const request = { topics: ["*"], after, limit: 10 };
        const { messages, more } = await test.registry.history(request, reader);
        expect(more).toBe(false);
        return messages.map(({ message }) => JSON.parse(message.data));
      };
      expect(await read(ANNA)).toEqual([1, 2]);
      expect(await read({})).toEqual([2]);
      expect(await read()).toEqual([2]);
      expect(await read({ identity: "root", rights: ["*"] })).toEqual([1, 2, 3]);
    });

    it("reach a guest after signing in, and never another identity", async () => {
      const test = await opener.open();
      const client = await test.connect(["chat"]);
      await test.publish(secret("chat", 1));
      await test.subscribe(client, ["chat"], ANNA);
      await test.publish(secret("chat", 2));
      for (const other of [{}, { identity: "bert", rights: ["*"] }]) {
        const refused = test.subscribe(client, ["chat"], other);
        await expect(refused).rejects.toMatchObject({ code: "identity_changed" });
      }
      await test.subscribe(client, ["chat"], { ...ANNA, rights: [] });
      await test.publish(secret("chat", 3));
      await test.settle(client);
      expect(client.received()).toEqual([["chat", 2]]);
    });
  });

  describe("rights and keys", () => {
    it("with too many topics in common are refused, and the client is not added", async () => {
      const test = await opener.open();
      const rights = Array.from({ length: 100 }, (_, n) => `topic-${n}`);
      const topics = Array.from({ length: 120 }, (_, n) => `*?options={"query":{"n":${n}}}`);
      const refused = test.registry.open({ identity: "anna", rights, topics });
      await expect(refused).rejects.toMatchObject({ code: "invalid_input" });
      expect((await test.registry.stats()).clients).toBe(0);
    });
  });

  describe("a credential that expires", () => {
    it("loses its rights, gets PB_AUTH_EXPIRED, and its stream is closed after the grace", async () => {
      const test = await opener.open();
      const expiresAt = Date.now() + 1500;
      const client = await test.connect(["chat"], { ...ANNA, expiresAt });
      await test.publish(secret("chat", 1));
      await eventually(
        () => client.sink.data("PB_AUTH_EXPIRED").length > 0,
        "PB_AUTH_EXPIRED arrives",
      );
      await test.publish(secret("chat", 2), { topic: "chat", data: 3 });
      await client.sink.ended("the stream is closed");
      expect(client.sink.closings).toEqual(["expired"]);
      expect(client.received()).toEqual([
        ["chat", 1],
        ["PB_AUTH_EXPIRED", { closesIn: AUTH_GRACE }],
        ["chat", 3],
      ]);
      expect((await test.registry.stats()).clients).toBe(0);
      expect((await test.registry.stats()).disconnects.expired).toBe(1);
    });

    it("can neither connect nor subscribe", async () => {
      const test = await opener.open();
      const expired = { ...ANNA, expiresAt: Date.now() - 1 };
      const refused = { code: "refused_token" };
      await expect(test.registry.open(expired)).rejects.toMatchObject(refused);
      const client = await test.connect(["chat"]);
      await expect(test.subscribe(client, ["chat"], expired)).rejects.toMatchObject(refused);
      expect(await test.find(client.clientId)).toMatchObject({ identity: undefined });
    });

    it("may expire in a thousand years", async () => {
      const test = await opener.open();
      const client = await test.connect(["chat"], { ...ANNA, expiresAt: 32_503_680_000_000 });
      const guest = await test.connect(["chat"]);
      await test.publish(secret("chat", 1));
      await test.settle(client, guest);
      expect(client.sink.data("chat")).toEqual([1]);
    });

    it("is replaced by a fresh one of the same identity", async () => {
      const test = await opener.open();
      const expiresAt = Date.now() + 1500;
      const client = await test.connect(["chat"], { ...ANNA, expiresAt });
      await eventually(
        () => client.sink.data("PB_AUTH_EXPIRED").length > 0,
        "PB_AUTH_EXPIRED arrives",
      );
      await test.subscribe(client, ["chat"], { ...ANNA, expiresAt: Date.now() + 60_000 });
      await new Promise((resolve) => setTimeout(resolve, AUTH_GRACE + 200));
      await test.publish(secret("chat", 1));
      await test.settle(client);
      expect(client.sink.closings).toEqual([]);
      expect(client.sink.data("chat")).toEqual([1]);
    });
  });

  describe("a revocation", () => {
    it("of a subject closes all its streams, and older credentials are refused for every request", async () => {
      const test = await opener.open();
      const old = { ...ANNA, issuedAt: Date.now() - 1000 };
      const streams: TestClient[] = [];
      for (let count = 0; count < 6; count++) streams.push(await test.connect(["chat"], old));
      const bert = await test.connect(["chat"], { identity: "bert" });
      const guest = await test.connect(["chat"]);
      expect(await test.registry.revoke({ subject: "anna" })).toBe(6);
      for (const { sink } of streams) {
        await sink.ended("the stream is closed");
        expect(sink.closings).toEqual(["revoked"]);
      }
      const revoked = { code: "revoked" };
      for (let count = 0; count < 6; count++) {
        await expect(test.registry.open(old)).rejects.toMatchObject(revoked);
        const request = { topics: ["chat"], limit: 1 };
        await expect(test.registry.history(request, old)).rejects.toMatchObject(revoked);
        await expect(test.registry.members("chat", old)).rejects.toMatchObject(revoked);
      }
      await expect(test.registry.publish([], old)).rejects.toMatchObject(revoked);
      await expect(test.subscribe(guest, ["chat"], old)).rejects.toMatchObject(revoked);
      const fresh = await test.connect(["chat"], { ...ANNA, issuedAt: Date.now() + 60_000 });
      await test.publish(secret("chat", 1));
      await test.settle(bert, guest, fresh);
      expect(fresh.received()).toEqual([["chat", 1]]);
      expect(bert.sink.closings).toEqual([]);
    });

    it("of a client closes that stream, and returns 0 for an unknown client", async () => {
      const test = await opener.open();
      const [one, other] = [await test.connect([], ANNA), await test.connect([], ANNA)];
      const { clientId } = one;
      expect(await test.registry.revoke({ clientId })).toBe(1);
      await one.sink.ended("the stream is closed");
      expect(await test.registry.revoke({ clientId })).toBe(0);
      expect(await test.registry.revoke({ clientId: "9-nobody" })).toBe(0);
      expect(await test.find(other.clientId)).toMatchObject({ identity: "anna" });
    });
  });

  describe("the lists for operators", () => {
    it("return a client by its id, and undefined for an unknown id", async () => {
      const test = await opener.open();
      const expiresAt = Date.now() + 60_000;
      const { clientId } = await test.connect(["chat"], { ...ANNA, ip: "192.0.2.1", expiresAt });
      expect(await test.registry.client(clientId)).toEqual(await test.find(clientId));
      expect(await test.registry.client(clientId)).toMatchObject({
        ...{ clientId, ip: "192.0.2.1", identity: "anna", rights: ["posts/*", "chat"], expiresAt },
        subscriptions: ["chat", "fence"],
      });
      for (const unknown of ["", "nobody", `${clientId}x`, "0-nobody", "99-nobody"]) {
        expect(await test.registry.client(unknown)).toBeUndefined();
      }
    });

    it("don't return a client's auth record, or whether the client is an administrator", async () => {
      const test = await opener.open();
      const auth = { id: "r1", email: "anna@example.com" };
      const { clientId } = await test.connect(["chat"], { ...ANNA, auth, isAdmin: true });
      const { clients } = await test.registry.clients();
      const client = await test.registry.client(clientId);
      expect(clients).toEqual([client]);
      expect(client).toMatchObject({ clientId, identity: "anna" });
      expect(client).not.toHaveProperty("auth");
      expect(client).not.toHaveProperty("isAdmin");
    });

    it("return every topic once, with its number of subscriptions, page by page in order", async () => {
      const test = await opener.open();
      expect(await test.registry.topics()).toEqual({ topics: [], next: undefined });
      const names = Array.from({ length: 12 }, (_, n) => `t${n}`);
      for (const [index] of names.entries()) {
        await test.connect([...names.slice(0, index + 1), 't0?options={"query":{"a":1}}']);
      }
      const expected = [
        { topic: "fence", subscriptions: 12 },
        ...names.map((topic, n) => ({ topic, subscriptions: 12 - n + (n === 0 ? 12 : 0) })),
      ].toSorted((one, other) => (one.topic < other.topic ? -1 : 1));
      for (const limit of [1, 5, 12, 13, 14, 1000]) {
        const seen = [];
        let after: string | undefined;
        do {
          const page = await test.registry.topics({ limit, after });
          expect(page.topics.length).toBeLessThanOrEqual(limit);
          seen.push(...page.topics);
          after = page.next;
        } while (after !== undefined && seen.length < 100);
        expect(seen, `pages of ${limit}`).toEqual(expected);
      }
    });
  });
}

/** What a client received, sorted: the order of one message's deliveries under several keys is not part of the contract. */
function sorted(client: TestClient): string[] {
  return client.received().map(asText).toSorted();
}

function asText([event, data]: readonly unknown[]): string {
  return `${event} ${JSON.stringify(data)}`;
}
