import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { MessageLog } from "../../src/log/log.ts";
import type { PresenceCall, PresencePart, SharedPresence } from "../../src/log/shared-presence.ts";
import { sequenceOf } from "../../src/realtime/cursor.ts";
import { MembersTable } from "../../src/realtime/presence/members-table.ts";
import type { PresenceEvent, TopicReport } from "../../src/realtime/presence/presence.ts";
import { createPresenceMessages } from "../../src/realtime/presence/presence-messages.ts";
import { TopicRules } from "../../src/realtime/topic-rules.ts";
import type { Message } from "../../src/realtime/types.ts";
import { takeParts, toParts } from "../../src/registry/cluster/presence-parts.ts";
import { eventually } from "../support/deadline.ts";
import { flatten, RandomReports, sorted } from "../support/presence-reports.ts";
import { seededRandom } from "../support/random.ts";

const LEASE = 60_000;
const MESSAGE = { private: true, ttl: undefined };

/** A shared store of members, and the log to which it appends. */
export interface PresenceUnderTest {
  readonly log: MessageLog;
  readonly presence: SharedPresence;
  close(): Promise<unknown>;
}

/** The contract of `SharedPresence`. */
export function sharedPresenceSuite(name: string, open: () => Promise<PresenceUnderTest>): void {
  describe(name, () => {
    let test: PresenceUnderTest;
    let calls: number;
    let messages: Message[];
    beforeEach(async () => {
      test = await open();
      calls = 0;
      messages = [];
      test.log.tail((entries) => void messages.push(...entries.map(({ message }) => message)));
    });
    afterEach(() => test.close());

    const send = (
      source: string,
      parts: readonly PresencePart[],
      more: Partial<PresenceCall> = {},
    ) => {
      calls += 1;
      const call = { source, kind: "first", number: calls, lease: LEASE, parts } as const;
      return test.presence.apply({ ...call, ...more });
    };
    const report = async (source: string, one: TopicReport) => {
      const parts = toParts(one, { hasPresence: true, nextCall: calls + 1, message: MESSAGE });
      const occupancy: (string | undefined)[] = [];
      while (parts.length > 0) {
        const taken = takeParts(parts);
        const outcomes = (await send(source, taken)) ?? [];
        occupancy.push(...outcomes.map((outcome) => outcome.occupancy));
        parts.unshift(
          ...outcomes.flatMap(({ cursor }, index) => {
            const part = taken[index];
            if (part?.removal === undefined || cursor === undefined) return [];
            return [{ ...part, present: [], left: [], removal: { ...part.removal, cursor } }];
          }),
        );
      }
      return occupancy.find((change) => change !== undefined);
    };
    /** Returns the messages that have been appended since the last call. */
    const take = async (): Promise<Message[]> => {
      const { sequence } = await test.presence.read("");
      await eventually(() => sequenceOf(test.log.cursor()) >= sequence, "the log is read");
      return messages.splice(0);
    };
    const eventsOf = (list: readonly Message[]) =>
      flatten(list.map(({ data }) => JSON.parse(data) as PresenceEvent));
    const present = (ids: readonly string[], at = 1): TopicReport["present"] =>
      ids.map((id) => ({ id, info: {}, since: at, updatedAt: at }));
    const joins = (topic: string, ids: readonly string[]): TopicReport => {
      return {
        topic,
        isOccupied: true,
        guests: 0,
        present: present(ids),
        left: [],
        isComplete: false,
      };
    };

    it.each([1, 2, 3, 4])(
      "changes the members as a table in one process does, with seed %i",
      async (seed) => {
        const random = seededRandom(seed).next;
        const reports = new RandomReports(random);
        const table = new MembersTable();
        for (let step = 0; step < 150; step++) {
          const source = `s${Math.floor(random() * 3)}`;
          const topic = `t/${Math.floor(random() * 2)}`;
          const one = reports.next(source, topic);
          const outcome = table.apply(source, one);
          expect(await report(source, one), `step ${step}`).toBe(outcome.occupancy);
          const actual = eventsOf(await take());
          const expected = eventsOf(createPresenceMessages(outcome, new TopicRules()));
          if (one.isComplete) {
            const text = (list: readonly unknown[]) =>
              list.map((item) => JSON.stringify(item)).sort();
            expect(text(actual), `step ${step}`).toEqual(text(expected));
          } else expect(actual, `step ${step}`).toEqual(expected);
          const { members } = await test.presence.read(topic);
          expect(sorted(members)).toEqual(sorted(table.membersOf(topic)));
          const topics = ["t/1", "nothing", "t/0"];
          const counts = topics.map((one) => table.countsOf(one));
          expect(await test.presence.count(topics)).toEqual(counts);
        }
      },
    );

    it("appends private messages to the presence topic, with the ttl of its rule", async () => {
      await send("a", [{ ...joins("chat", ["ann"]), message: { private: true, ttl: undefined } }]);
      await send("a", [{ ...joins("chat", ["bob"]), message: { private: false, ttl: 60 } }]);
      const [first, second] = await take();
      expect(first).toMatchObject({ topics: ["$presence/chat"], private: true });
      expect(first?.ttl).toBeUndefined();
      expect(second).toMatchObject({ topics: ["$presence/chat"], private: false, ttl: 60 });
      expect(first?.id).not.toBe(second?.id);
    });

    it("counts a topic with more than 1,000 members, and lists it again at 900", async () => {
      const ids = Array.from({ length: 1001 }, (_, index) => `m${index}`);
      await report("a", joins("chat", ids));
      expect(eventsOf(await take()).at(-1)).toEqual({ type: "members", count: 1001, guests: 0 });
      const { members } = await test.presence.read("chat");
      expect(members).toEqual({ type: "members", count: 1001, guests: 0 });
      await report("a", { ...joins("chat", []), left: ids.slice(900 + 1) });
      expect(eventsOf(await take()).at(-1)).toEqual({ type: "members", count: 901, guests: 0 });
      await report("a", { ...joins("chat", []), left: ids.slice(900, 901) });
      const [statement, ...rest] = eventsOf(await take());
      expect(statement).toMatchObject({ type: "members", count: 900, guests: 0 });
      const listed = statement?.type === "members" ? statement.members : [];
      expect((listed?.length ?? 0) + rest.length).toBe(900);
    });

    it("splits the changes of one call into messages of bounded size", async () => {
      const info = { text: "x".repeat(1000) };
      const ids = Array.from({ length: 150 }, (_, index) => `m${index}`);
      await report("a", {
        ...joins("chat", []),
        present: present(ids).map((one) => ({ ...one, info })),
      });
      await take();
      await send("a", [{ ...joins("chat", []), left: ids, message: MESSAGE }]);
      const list = await take();
      expect(list.length).toBeGreaterThan(1);
      for (const { data } of list) expect(data.length).toBeLessThan(70_000);
      expect(eventsOf(list)).toHaveLength(150);
    });

    it("returns the outcomes of the last call again, and applies it once", async () => {
      const part = { ...joins("chat", ["ann"]), message: MESSAGE };
      const outcomes = await send("a", [part], { number: 7 });
      expect(outcomes).toEqual([{ occupancy: "occupied", cursor: undefined }]);
      expect(await send("a", [{ ...part, present: present(["ann"], 9) }], { number: 7 })).toEqual(
        outcomes,
      );
      expect(eventsOf(await take())).toHaveLength(1);
    });

    it("refuses a source that was never registered, and one that was retired", async () => {
      const part = { ...joins("chat", ["ann"]), message: MESSAGE };
      expect(await send("a", [part], { kind: "next" })).toBeUndefined();
      expect(await test.presence.renew("a", LEASE, false)).toBeUndefined();
      expect(await test.presence.renew("a", -1, true)).toEqual({ wasLate: false, gone: ["a"] });
      expect(await send("a", [part], { kind: "next" })).toBeDefined();
      expect(await test.presence.retire("a")).toEqual(["chat"]);
      expect(await send("a", [part])).toBeUndefined();
      expect(await test.presence.renew("a", LEASE, true)).toBeUndefined();
    });

    it("retires only a source with a lease that has ended, and says that a renewal was late", async () => {
      await send("a", [{ ...joins("chat", ["ann"]), message: MESSAGE }]);
      expect(await test.presence.retire("a")).toEqual([]);
      expect(await test.presence.renew("a", -1000, false)).toMatchObject({ wasLate: false });
      expect(await test.presence.renew("b", LEASE, true)).toEqual({ wasLate: false, gone: ["a"] });
      expect(await test.presence.renew("a", LEASE, false)).toEqual({ wasLate: true, gone: [] });
      expect(await test.presence.retire("a")).toEqual([]);
    });

    it("removes the members of a retired source, and refuses the removal of a living one", async () => {
      await report("a", { ...joins("chat", ["ann", "bob"]), guests: 2 });
      await report("b", joins("chat", ["bob"]));
      await take();
      const removal = { before: Number.MAX_SAFE_INTEGER, cursor: "0" };
      const part = { ...joins("chat", []), isOccupied: false, removal, message: MESSAGE };
      expect(await send("a", [part], { kind: "removal" })).toBeUndefined();
      await test.presence.renew("a", -1, false);
      expect(await test.presence.retire("a")).toEqual(["chat"]);
      expect(await send("a", [part], { kind: "removal" })).toEqual([
        { occupancy: undefined, cursor: undefined },
      ]);
      expect(eventsOf(await take())).toEqual([
        { type: "leave", member: { id: "ann", info: {}, since: 1 } },
        { type: "guests", guests: 0 },
      ]);
      expect(await test.presence.retire("a")).toEqual([]);
      const { members } = await test.presence.read("chat");
      expect(members).toMatchObject({ count: 1, members: [{ id: "bob" }] });
    });
  });
}
