import { afterEach, describe, expect, it } from "vitest";
import type { OpenRegistry } from "./context.ts";
import { idsOf, ResumesOpener, recovered, shown } from "./resume/context.ts";

/** Erasing topics from the history. */
export function erasingTests(open: OpenRegistry): void {
  const opener = new ResumesOpener(open);
  afterEach(() => opener.closeAll());

  describe("erasing", () => {
    const topicsOf = async ({ test: { registry } }: Awaited<ReturnType<typeof opener.open>>) => {
      const { messages } = await registry.history({ topics: ["*"], limit: 100 });
      return messages.map(({ message }) => message.topics[0]);
    };
    const publishAll = async ({ test }: Awaited<ReturnType<typeof opener.open>>) => {
      const topics = ["a/1", "a", "a/2", "b/1", "a/1", "c"];
      await test.publish(
        ...topics.map((topic, index) => ({ topic, data: index, id: `m${index}` })),
      );
    };

    it("removes the messages of a topic, and returns their number", async () => {
      const test = await opener.open();
      await publishAll(test);
      expect(await test.test.registry.erase("a/1")).toBe(2);
      expect(await topicsOf(test)).toEqual(["a", "a/2", "b/1", "c"]);
      expect(await test.test.registry.erase("a/1")).toBe(0);
      expect((await test.test.registry.stats()).history.messages).toBe(4);
    });

    it("removes the messages below a prefix, or all", async () => {
      const test = await opener.open();
      await publishAll(test);
      expect(await test.test.registry.erase("a/*")).toBe(3);
      expect(await topicsOf(test)).toEqual(["a", "b/1", "c"]);
      expect(await test.test.registry.erase("*")).toBe(3);
      expect(await topicsOf(test)).toEqual([]);
      expect((await test.test.registry.stats()).history).toEqual({ messages: 0, bytes: 0 });
    });

    it("removes a record event that any of its topics matches", async () => {
      const test = await opener.open();
      const event = { collection: "posts", action: "create" } as const;
      await test.test.publish(
        { ...event, record: { id: "r1", collectionId: "pbc_1" } },
        { ...event, record: { id: "r2", collectionId: "pbc_1" } },
      );
      expect(await test.test.registry.erase("pbc_1/r1")).toBe(1);
      expect(await topicsOf(test)).toEqual(["posts/r2"]);
      expect(await test.test.registry.erase("posts")).toBe(1);
    });

    it("leaves cursors valid: a resume skips what was removed, and is told that it has everything", async () => {
      const test = await opener.open();
      const past = await test.past(["*"], 1);
      const [lastEventId] = idsOf(past);
      await test.publish("gone", 2);
      await test.publish("chat", 3);
      await test.publish("gone", 4);
      await test.test.registry.erase("gone");
      const stream = await test.open({ topics: ["chat", "gone"], lastEventId });
      await stream.sink.receive(2);
      expect(await test.until(stream)).toEqual(["chat 3", recovered(1)]);
      expect(shown(stream).at(-1)).toContain("live");
    });

    it("leaves the cursor of a removed message valid", async () => {
      const test = await opener.open();
      const past = await test.past(["*"], 1, 2, 3);
      await test.test.registry.erase("chat");
      for (const lastEventId of idsOf(past)) {
        const stream = await test.open({ topics: ["other"], lastEventId });
        await stream.sink.receive(1);
        await test.publish("other", 4);
        await stream.sink.receive(2);
        expect(shown(stream)).toEqual([recovered(0), "other 4"]);
        stream.connection.close("client");
        await test.test.registry.erase("other");
      }
    });

    it("keeps the ids of removed messages, so that a retry is still a duplicate", async () => {
      const test = await opener.open();
      const message = { topic: "a", data: 1, id: "once" };
      await test.test.publish(message);
      await test.test.registry.erase("a");
      expect(await test.test.publish(message)).toEqual([{ id: "once", duplicate: true }]);
    });
  });
}
