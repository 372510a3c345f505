import { describe, expect, it } from "vitest";
import { LocalTopic } from "../../../../src/realtime/presence/local-topic.ts";

describe("the members of a topic at one manager", () => {
  it("are reported ten times at once, and then once a second with all changes", () => {
    const topic = new LocalTopic("chat");
    const times: number[] = [];
    for (let now = 0; now <= 3000; now += 10) {
      topic.addMember(`user${now}`, {}, now);
      if (topic.reportsAt > now) continue;
      const { present } = topic.takeReport(now) ?? { present: [] };
      times.push(now);
      if (now >= 2000) expect(present).toHaveLength(100);
    }
    expect(times).toEqual([0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 1000, 2000, 3000]);
  });

  it("keep the fields that they have added when the token changes, and lose those of the token", () => {
    const topic = new LocalTopic("chat");
    topic.addMember("ann", { name: "Ann", toString: 1 }, 1);
    topic.extend("ann", { typing: true, constructor: 2 }, 2);
    topic.changeClaims("ann", { name: "Anna" }, 3);
    const info = { typing: true, constructor: 2, name: "Anna" };
    const member = { id: "ann", info, since: 1, updatedAt: 3 };
    expect(topic.takeReport(4)?.present).toEqual([member]);
  });

  it("lose the fields of an earlier token also after the manager was created anew", () => {
    const topic = new LocalTopic("chat");
    topic.restore({ id: "ann", info: { role: "moderator" }, since: 1, updatedAt: 1 }, 5);
    topic.addMember("ann", { name: "Ann" }, 2);
    expect(topic.takeReport(3)?.present).toEqual([
      { id: "ann", info: { name: "Ann" }, since: 1, updatedAt: 2 },
    ]);
    expect(topic.takeReport(4)).toBeUndefined();
  });

  it("have not left if they come back between two reports", () => {
    const topic = new LocalTopic("chat");
    topic.addMember("ann", {}, 1);
    topic.takeReport(1);
    topic.removeMember("ann", 5);
    topic.endGraceOf("ann", 5);
    topic.addMember("ann", {}, 7);
    expect(topic.takeReport(8)).toMatchObject({ present: [{ id: "ann", since: 1 }], left: [] });
  });

  it("are not forgotten while the grace of a guest that has returned runs", () => {
    const topic = new LocalTopic("chat");
    topic.addGuest();
    topic.removeGuest();
    topic.addGuest();
    topic.dropGuest();
    topic.takeReport(1);
    expect(topic.isEmpty).toBe(false);
    topic.endGraceOfGuest();
    expect(topic.isEmpty).toBe(true);
  });
});
