import { describe, expect, it } from "vitest";
import { MembersTable } from "../../../../src/realtime/presence/members-table.ts";
import {
  MAX_LISTED_MEMBERS,
  type ReportedMember,
  type TopicReport,
} from "../../../../src/realtime/presence/presence.ts";
import {
  createPresenceMessages,
  splitMembers,
} from "../../../../src/realtime/presence/presence-messages.ts";
import { TopicRules } from "../../../../src/realtime/topic-rules.ts";

const member = (id: string, fields: Partial<ReportedMember> = {}): ReportedMember => ({
  ...{ id, info: {}, since: 1, updatedAt: 1 },
  ...fields,
});

const members = (from: number, to: number): ReportedMember[] =>
  Array.from({ length: to - from + 1 }, (_, index) => member(`user ${from + index}`));

const report = (fields: Partial<TopicReport>): TopicReport => ({
  ...{ topic: "chat", isOccupied: true, guests: 0, present: [], left: [], isComplete: false },
  ...fields,
});

describe("the members over several sources", () => {
  it("are each one member, with the earliest time of joining and the newest info", () => {
    const table = new MembersTable();
    const one = member("ann", { since: 10, info: { n: 1 }, updatedAt: 10 });
    const other = member("ann", { since: 20, info: { n: 2 }, updatedAt: 20 });
    const first = table.apply("a", report({ present: [one] }));
    expect(first.changes).toEqual([
      { type: "join", member: { id: "ann", info: { n: 1 }, since: 10 } },
    ]);
    expect(first.occupancy).toBe("occupied");
    const second = table.apply("b", report({ present: [other] }));
    expect(second.changes).toEqual([
      { type: "update", member: { id: "ann", info: { n: 2 }, since: 10 } },
    ]);
    expect(second.occupancy).toBeUndefined();
    const gone = report({ left: ["ann"], isOccupied: false });
    expect(table.apply("b", gone).changes).toEqual([
      { type: "update", member: { id: "ann", info: { n: 1 }, since: 10 } },
    ]);
    const last = table.apply("a", gone);
    expect(last.changes).toEqual([
      { type: "leave", member: { id: "ann", info: { n: 1 }, since: 10 } },
    ]);
    expect(last.occupancy).toBe("vacated");
  });

  it("add up the guests, and forget a source without a stream", () => {
    const table = new MembersTable();
    table.apply("a", report({ guests: 2 }));
    expect(table.apply("b", report({ guests: 3 })).changes).toEqual([
      { type: "guests", guests: 5 },
    ]);
    const changes = [{ type: "guests", guests: 3 }];
    expect(table.apply("a", report({ isOccupied: false })).changes).toEqual(changes);
    expect(table.countsOf("chat")).toEqual({ members: 0, guests: 3 });
  });

  it("lose those of a source that its complete report lacks, and keep those of other sources", () => {
    const table = new MembersTable();
    table.apply("a", report({ present: members(1, 3) }));
    table.apply("b", report({ present: members(3, 4) }));
    const { changes } = table.apply("a", report({ present: members(1, 1), isComplete: true }));
    expect(changes).toEqual([{ type: "leave", member: { id: "user 2", info: {}, since: 1 } }]);
    expect(table.membersOf("chat").members?.map(({ id }) => id)).toEqual([
      ...["user 1", "user 3", "user 4"],
    ]);
  });

  it("are stated once after the outcome of a report was lost", () => {
    const table = new MembersTable();
    table.apply("a", report({ present: members(1, 2) }));
    table.restate("chat");
    const { statement, changes } = table.apply("a", report({ left: ["user 1"] }));
    expect(statement).toMatchObject({ type: "members", count: 1 });
    expect(changes).toEqual([]);
    expect(table.apply("a", report({ left: ["user 2"] })).statement).toBeUndefined();
  });
});

describe("a topic with very many members", () => {
  it("is counted above 1,000 members, and listed again at 900", () => {
    const table = new MembersTable();
    const listed = table.apply("a", report({ present: members(1, MAX_LISTED_MEMBERS) }));
    expect(listed.changes).toHaveLength(MAX_LISTED_MEMBERS);
    const counted = table.apply("a", report({ present: [member("one more")] }));
    expect(counted).toMatchObject({ changes: [], statement: { count: 1001, guests: 0 } });
    expect(counted.statement?.members).toBeUndefined();
    const left = members(101, MAX_LISTED_MEMBERS).map(({ id }) => id);
    const still = table.apply("a", report({ left: left.slice(0, 100) }));
    expect(still.statement).toEqual({ type: "members", count: 901, guests: 0 });
    const again = table.apply("a", report({ left: left.slice(100, 101) }));
    expect(again.statement?.members).toHaveLength(900);
    expect(table.apply("a", report({ left: left.slice(101, 102) })).changes).toHaveLength(1);
  });
});

describe("the events of presence", () => {
  const rules = new TopicRules([{ match: "$presence/open", private: false, ttl: 60 }]);

  it("are private unless a rule for the presence topic says otherwise", () => {
    const changes = [{ type: "guests", guests: 1 }] as const;
    const [message] = createPresenceMessages({ topic: "chat", changes }, rules);
    expect(message).toMatchObject({ topics: ["$presence/chat"], private: true });
    expect(message).not.toHaveProperty("ttl");
    expect(createPresenceMessages({ topic: "open", changes }, rules)).toMatchObject([
      { topics: ["$presence/open"], private: false, ttl: 60, data: '{"type":"guests","guests":1}' },
    ]);
  });

  it("of several changes are one event of bounded size, or a few", () => {
    const changes = members(1, 200).map((one) => ({
      type: "join" as const,
      member: { ...one, info: { text: "x".repeat(1000) } },
    }));
    const parts = createPresenceMessages({ topic: "chat", changes }, rules).map(({ data }) => {
      expect(data.length).toBeLessThan(66_000);
      return JSON.parse(data);
    });
    expect(parts.length).toBeGreaterThan(2);
    expect(parts.flatMap((part) => part.changes)).toEqual(changes);
  });

  it("that state many members are followed by the rest of them as joins", () => {
    const list = members(1, 300).map(({ updatedAt: _, ...one }) => ({
      ...one,
      info: { text: "x".repeat(500) },
    }));
    const parts = splitMembers({ type: "members", members: list, count: 300, guests: 2 });
    const [first, ...rest] = parts.map((part) => JSON.parse(part));
    expect(first).toMatchObject({ type: "members", count: 300, guests: 2 });
    const joined = rest.flatMap(({ changes }) =>
      changes.map(({ type, member: one }: { type: string; member: object }) => {
        expect(type).toBe("join");
        return one;
      }),
    );
    expect([...first.members, ...joined]).toEqual(list);
    expect(splitMembers({ type: "members", members: [], count: 0, guests: 0 })).toEqual([
      '{"type":"members","members":[],"count":0,"guests":0}',
    ]);
  });
});
