import { beforeEach, describe, expect, it } from "vitest";
import { followMembers } from "../../../src/client/presence.ts";
import type { Member, Presence } from "../../../src/client/types.ts";

let told: Presence[];
let follow: (event: unknown) => void;
beforeEach(() => {
  told = [];
  follow = followMembers((presence) => told.push(presence));
});

const memberOf = (id: string, info = {}): Member => ({ id, info, since: 1 });
const ids = () => told.at(-1)?.members.map(({ id }) => id);

describe("followMembers", () => {
  it("tells nothing before the list, which replaces earlier changes", () => {
    follow({ type: "join", member: memberOf("ben") });
    follow({ type: "guests", guests: 5 });
    expect(told).toEqual([]);
    follow({ type: "members", members: [memberOf("anna")], count: 1, guests: 2 });
    expect(told).toEqual([{ members: [memberOf("anna")], count: 1, guests: 2 }]);
  });

  it("applies changes in their order, and tells once for several", () => {
    follow({ type: "members", members: [memberOf("anna")], count: 1, guests: 0 });
    const changes = [
      { type: "join", member: memberOf("ben") },
      { type: "join", member: memberOf("cleo") },
      { type: "leave", member: memberOf("anna") },
      { type: "leave", member: memberOf("nobody") },
      { type: "update", member: memberOf("ben", { typing: true }) },
      { type: "guests", guests: 3 },
    ];
    follow({ type: "changes", changes });
    expect(told).toHaveLength(2);
    const members = [memberOf("ben", { typing: true }), memberOf("cleo")];
    expect(told[1]).toEqual({ members, count: 2, guests: 3 });
  });

  it("counts the members of a large topic, and lists them again in a smaller one", () => {
    follow({ type: "members", members: [memberOf("anna")], count: 1, guests: 0 });
    follow({ type: "members", count: 1001, guests: 7 });
    expect(told.at(-1)).toEqual({ members: [], count: 1001, guests: 7 });
    follow({ type: "members", members: [memberOf("ben")], count: 1, guests: 7 });
    follow({ type: "join", member: memberOf("cleo") });
    expect([ids(), told.at(-1)?.count]).toEqual([["ben", "cleo"], 2]);
  });

  it("tells a list that does not change later", () => {
    follow({ type: "members", members: [], count: 0, guests: 0 });
    follow({ type: "join", member: memberOf("anna") });
    expect(told.map(({ members }) => members.length)).toEqual([0, 1]);
  });
});
