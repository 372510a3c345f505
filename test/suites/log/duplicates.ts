import { afterEach, describe, expect, it } from "vitest";
import type { Message } from "../../../src/realtime/types.ts";
import { ids, idsOf, type LogFlags, LogOpener, message, type OpenLog } from "./context.ts";

/** The time and the number of newer ids for which an id is remembered. */
const REMEMBERED = { age: 300_000, count: 10_000 };

/** The log accepts an id once. */
export function duplicateTests(openLog: OpenLog, flags: LogFlags): void {
  const opener = new LogOpener(openLog);
  afterEach(() => opener.closeAll());

  describe("a message with an id that was accepted before", () => {
    it("in the same batch is a duplicate and is not appended again", async () => {
      const log = await opener.open();
      expect(await log.append("a", "b", "a", "a")).toEqual([
        { id: "a", duplicate: false },
        { id: "b", duplicate: false },
        { id: "a", duplicate: true },
        { id: "a", duplicate: true },
      ]);
      await log.append("fence");
      expect(idsOf(await log.delivered(3))).toEqual(["a", "b", "fence"]);
      expect(await log.idsAfter(undefined)).toEqual(["a", "b", "fence"]);
    });

    it("in a later batch is a duplicate, and a new message in that batch is appended", async () => {
      const log = await opener.open();
      await log.append("a", "b");
      expect(await log.append("c", "a", "d")).toEqual([
        { id: "c", duplicate: false },
        { id: "a", duplicate: true },
        { id: "d", duplicate: false },
      ]);
      expect(idsOf(await log.delivered(4))).toEqual(["a", "b", "c", "d"]);
      expect(await log.idsAfter(undefined)).toEqual(["a", "b", "c", "d"]);
    });

    it("is refused with its whole batch when its content differs", async () => {
      const log = await opener.open();
      const first = message("a", { data: "1" });
      await log.appendMessages([first]);
      const others: Partial<Message>[] = [
        { data: "2" },
        { topics: ["other"] },
        { topics: [] },
        { private: true },
        { change: "{}" },
      ];
      for (const change of others) {
        const batch = [message("new"), { ...first, ...change }];
        const refused = log.appendMessages(batch);
        await expect(refused).rejects.toMatchObject({
          code: "id_reused",
          fields: { 1: { id: { code: "validation_id_reused" } } },
        });
      }
      await expect(
        log.appendMessages([message("b", { data: "1" }), message("b", { data: "2" })]),
      ).rejects.toMatchObject({ code: "id_reused" });
      expect(await log.appendMessages([first])).toEqual([{ id: "a", duplicate: true }]);
      const entries = (await log.log.read(undefined, 10))?.entries ?? [];
      expect(entries.map((entry) => entry.message)).toEqual([first]);
      expect(log.tailed).toHaveLength(1);
    });

    it("is refused when only its change differs or is missing", async () => {
      const log = await opener.open();
      const first = message("a", { change: '{"collection":{"name":"posts"}}' });
      await log.appendMessages([first]);
      for (const change of [undefined, "", '{"collection":{"name":"users"}}']) {
        await expect(log.appendMessages([{ ...first, change }])).rejects.toMatchObject({
          code: "id_reused",
        });
      }
      expect(await log.appendMessages([first])).toEqual([{ id: "a", duplicate: true }]);
    });

    it("is appended once when it arrives many times at the same time", async () => {
      const log = await opener.open();
      const answers = await Promise.all(ids(20).map(() => log.append("a", "b")));
      const fresh = answers.flat().filter(({ duplicate }) => !duplicate);
      expect(fresh.map(({ id }) => id)).toEqual(["a", "b"]);
      await log.append("fence");
      expect(idsOf(await log.delivered(3))).toEqual(["a", "b", "fence"]);
    });

    it("is distinguished from similar ids", async () => {
      const log = await opener.open();
      const alike = ["a", "A", "a ", " a", "\u00e1", "a\u0301", "0", "00", "__proto__", "toString"];
      const receipts = await log.append(...alike);
      expect(receipts.filter(({ duplicate }) => duplicate)).toEqual([]);
      expect(idsOf(await log.delivered(alike.length))).toEqual(alike);
    });

    it("is recognised although the history has trimmed the first message", async () => {
      const log = await opener.open({ messages: 1 });
      await log.append("a", "b", "c");
      expect(await log.idsAfter(undefined)).toEqual(["c"]);
      expect(await log.append("a")).toEqual([{ id: "a", duplicate: true }]);
    });
  });

  describe("the ids of a publisher", () => {
    const own = (name: string, from: number, count: number) =>
      Array.from({ length: count }, (_, n) => `${name}\t${from + n}`);

    it.skipIf(flags.idsByAgeOnly !== undefined)(
      "use at most half of the remembered ids, and do not displace ids of other publishers",
      async () => {
        const log = await opener.open({ messages: 1 });
        await log.append("app", "bert\t1", "\tguest", "anna\t0");
        for (let from = 1; from <= 12_000; from += 1000)
          await log.append(...own("anna", from, 1000));
        const others = ["app", "bert\t1", "\tguest"];
        expect(await log.append(...others)).toEqual(others.map((id) => ({ id, duplicate: true })));
        // The publisher's newest ids are remembered, and its oldest are not.
        expect(await log.append("anna\t12000", "anna\t8000", "anna\t0")).toEqual([
          { id: "anna\t12000", duplicate: true },
          { id: "anna\t8000", duplicate: true },
          { id: "anna\t0", duplicate: false },
        ]);
      },
    );

    it("are distinguished from those of a publisher with a longer name", async () => {
      const log = await opener.open({ messages: 1 });
      await log.append("anna\t1", "annabel\t1", "ann\t1", "anna\n1", "anna\b1");
      for (let from = 2; from <= 6000; from += 1000) await log.append(...own("anna", from, 1000));
      const others = ["annabel\t1", "ann\t1", "anna\n1", "anna\b1"];
      expect(await log.append(...others)).toEqual(others.map((id) => ({ id, duplicate: true })));
    });
  });

  describe("an id", () => {
    it.skipIf(flags.ownClock !== undefined)(
      "is remembered for 300 seconds and then forgotten",
      async () => {
        const log = await opener.open();
        await log.append("a");
        log.pass(REMEMBERED.age - 1);
        expect(await log.append("a")).toEqual([{ id: "a", duplicate: true }]);
        log.pass(1);
        expect(await log.append("a")).toEqual([{ id: "a", duplicate: false }]);
        expect(idsOf(await log.delivered(2))).toEqual(["a", "a"]);
        expect(await log.append("a")).toEqual([{ id: "a", duplicate: true }]);
      },
    );

    it.skipIf(flags.ownClock !== undefined)(
      "is remembered for 300 seconds although the history is shorter",
      async () => {
        const log = await opener.open({ maxAge: 1000 });
        await log.append("a");
        log.pass(REMEMBERED.age - 1);
        expect(await log.append("a")).toEqual([{ id: "a", duplicate: true }]);
      },
    );

    it.skipIf(flags.ownClock !== undefined)(
      "is forgotten after 300 seconds although the history is longer",
      async () => {
        const log = await opener.open({ maxAge: 10 * REMEMBERED.age });
        await log.append("a");
        log.pass(REMEMBERED.age);
        expect(await log.append("a")).toEqual([{ id: "a", duplicate: false }]);
        expect(await log.idsAfter(undefined)).toEqual(["a", "a"]);
      },
    );

    it("is remembered while there are fewer than 10,000 newer ids", async () => {
      const log = await opener.open();
      await log.append("first");
      await appendMany(log.append.bind(log), REMEMBERED.count - 1);
      expect(await log.append("first")).toEqual([{ id: "first", duplicate: true }]);
    });

    it.skipIf(flags.idsByAgeOnly !== undefined)(
      "is forgotten when there are well over 10,000 newer ids",
      async () => {
        const log = await opener.open();
        await log.append("first");
        await appendMany(log.append.bind(log), REMEMBERED.count + 2000);
        expect(await log.append("first")).toEqual([{ id: "first", duplicate: false }]);
        // The newest ids are still remembered.
        const last = `m${REMEMBERED.count + 2000}`;
        expect(await log.append(last)).toEqual([{ id: last, duplicate: true }]);
      },
    );
  });
}

async function appendMany(append: (...ids: string[]) => Promise<unknown>, count: number) {
  const all = ids(count);
  for (let start = 0; start < count; start += 1000) {
    await append(...all.slice(start, start + 1000));
  }
}
