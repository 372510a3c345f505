import { afterEach, describe, expect, it } from "vitest";
import type { RecordInput } from "../../../src/realtime/message.ts";
import { type OpenRegistry, RegistryOpener } from "./context.ts";

/** Which subscription keys a message reaches. */
export function matchingTests(open: OpenRegistry): void {
  const opener = new RegistryOpener(open);
  afterEach(() => opener.closeAll());

  describe("a subscription", () => {
    const options = encodeURIComponent('{"query":{"x":"a > 1"},"headers":{"X-Token":"t"}}');
    const cases: [topic: string, reached: string[], missed: string[]][] = [
      ["a/b/c", ["a/b/c", "a/b/*", "a/*", "*"], ["a", "a/b", "a/b/c/*", "b/*", "a/b/", "c"]],
      ["a", ["a", "*"], ["a/*", "A", "a ", "aa", "", "a/"]],
      ["a/b", [`a/b?options=${options}`, `a/*?options=${options}`, `*?options=${options}`], []],
      ["a/*", ["a/*", "*"], ["a/b"]],
      ["*", ["*"], ["a"]],
      ["a//b", ["a//b", "a//*", "a/*", "*"], ["a/b", "/*"]],
      ["/a", ["/a", "/*", "*"], ["a"]],
      ["a b/ü🦊", ["a b/ü🦊", "a b/*"], ["a%20b/*"]],
      ["a?b=c", ["a?b=c", `a?b=c&options=${options}`], ["a"]],
      ["__proto__/x", ["__proto__/x", "__proto__/*"], ["constructor/*"]],
    ];
    for (const [topic, reached, missed] of cases) {
      it(`to ${short(reached)} gets a message to ${topic}, with the key as event name`, async () => {
        const test = await opener.open();
        const clients = [];
        for (const key of [...reached, ...missed]) clients.push(await test.connect([key]));
        const everything = await test.connect([...reached, ...missed]);
        await test.publish({ topic, data: { n: 1 } });
        await test.settle(...clients, everything);
        const received = clients.map((client) =>
          client.received().filter(([, data]) => typeof data === "object"),
        );
        expect(received).toEqual([
          ...reached.map((key) => [[key, { n: 1 }]]),
          ...missed.map(() => []),
        ]);
        const all = everything.received().filter(([, data]) => typeof data === "object");
        expect(all.map(([event]) => event).sort()).toEqual([...reached].sort());
      });
    }

    it("with other options is another subscription, and each gets a message once", async () => {
      const test = await opener.open();
      const keys = ["a", 'a?options={"query":{"x":1}}', 'a?options={"query":{"x":2}}', "a/*"];
      const client = await test.connect(keys);
      await test.publish({ topic: "a", data: 1 });
      await test.settle(client);
      expect(client.received().sort()).toEqual(keys.slice(0, 3).map((key) => [key, 1]));
    });

    it("with malformed options is refused, and the error names the index of the key", async () => {
      const test = await opener.open();
      for (const key of ["a?options={", "a?options=%", "a?options=null", "a?options=1"]) {
        await expect(test.connect(["a", key]), key).rejects.toMatchObject({
          code: "invalid_input",
          fields: { subscriptions: { 1: { message: expect.stringContaining("JSON object") } } },
        });
      }
    });
  });

  describe("a record event", () => {
    const record = { id: "r1", collectionId: "c1", collectionName: "posts", title: "Hello" };
    const event: RecordInput = { collection: "posts", action: "update", record };

    it("reaches the collection and the record by name and id, the pattern and the deprecated name", async () => {
      const test = await opener.open();
      const reached = ["posts/*", "posts/r1", "posts", "c1/*", "c1/r1", "c1", "*"];
      const missed = ["posts/r2", "posts/r1/*", "users/*", "c2", "r1", "*/r1"];
      const clients = [];
      for (const key of [...reached, ...missed]) clients.push(await test.connect([key]));
      await test.publish(event);
      await test.settle(...clients);
      const data = { action: "update", record };
      const received = clients.map((client) =>
        client.received().filter(([, data]) => typeof data === "object"),
      );
      expect(received).toEqual([...reached.map((key) => [[key, data]]), ...missed.map(() => [])]);
    });

    it("arrives once for each key of a client", async () => {
      const test = await opener.open();
      const keys = ["posts/*", "posts/r1", "posts", "c1/*", "c1/r1", "c1"];
      const client = await test.connect(keys);
      await test.publish(event);
      await test.settle(client);
      expect(client.sink.events.map((received) => received.event).sort()).toEqual(
        [...keys, "fence"].sort(),
      );
    });

    it("has the action: create, update or delete", async () => {
      const test = await opener.open();
      const client = await test.connect(["posts/*"]);
      for (const action of ["create", "update", "delete"] as const) {
        await test.publish({ collection: "posts", action, record: { id: "r1" } });
      }
      await test.settle(client);
      expect(client.sink.data("posts/*")).toEqual(
        ["create", "update", "delete"].map((action) => ({ action, record: { id: "r1" } })),
      );
    });
  });
}

function short(keys: readonly string[]): string {
  return keys.map((key) => key.replace(/options=.*/, "options=…")).join(", ");
}
