import { afterEach, describe, expect, it } from "vitest";
import type { PresenceOptions } from "../../../src/realtime/presence/presence-core.ts";
import { TopicRules } from "../../../src/realtime/topic-rules.ts";
import type { TopicInfo } from "../../../src/realtime/types.ts";
import { eventually } from "../../support/deadline.ts";
import { type OpenRegistry, RegistryOpener, type RegistryUnderTest } from "./context.ts";

/** The presence of registries under test: topics that begin with `present/` have members. */
export const PRESENCE: PresenceOptions = {
  topics: new TopicRules([{ match: "present/*", presence: true }]),
  grace: 300,
};

/** The members of topics, as operators see them. */
export function presenceTests(open: OpenRegistry): void {
  const opener = new RegistryOpener(open);
  afterEach(() => opener.closeAll());

  /** Lists the topics until the list is as expected. */
  const lists = async ({ registry }: RegistryUnderTest, expected: readonly TopicInfo[]) => {
    let topics: readonly TopicInfo[] = [];
    const isListed = async () => {
      ({ topics } = await registry.topics());
      return JSON.stringify(sorted(topics)) === JSON.stringify(sorted(expected));
    };
    await eventually(isListed, "the topics are as expected").catch(() => undefined);
    expect(sorted(topics)).toEqual(sorted(expected));
  };

  describe("the members in the list of topics", () => {
    it("are counted once over all streams, and guests by stream", async () => {
      const test = await opener.open();
      const room = "present/room";
      for (const identity of ["ann", "ann", "ann", "bob"]) await test.connect([room], { identity });
      const guests = [await test.connect([room]), await test.connect([room, "present/hall"])];
      const fence = { topic: "fence", subscriptions: 6 };
      const hall = { topic: "present/hall", subscriptions: 1, members: 0, guests: 1 };
      await lists(test, [
        fence,
        hall,
        { topic: room, subscriptions: 6, members: 2, guests: guests.length },
      ]);
      await test.registry.disconnect(guests[1]?.clientId ?? "");
      await lists(test, [
        { ...fence, subscriptions: 5 },
        { topic: room, subscriptions: 5, members: 2, guests: 1 },
      ]);
    });

    it("are the same on each page", async () => {
      const test = await opener.open();
      for (const identity of ["ann", "bob"]) {
        await test.connect(["present/a", "present/b"], { identity });
      }
      const fence = { topic: "fence", subscriptions: 2 };
      const both = { subscriptions: 2, members: 2, guests: 0 };
      const all = [fence, { topic: "present/a", ...both }, { topic: "present/b", ...both }];
      await lists(test, all);
      const pages: TopicInfo[] = [];
      let after: string | undefined;
      do {
        const page = await test.registry.topics({ limit: 1, after });
        pages.push(...page.topics);
        after = page.next;
      } while (after !== undefined);
      expect(pages).toEqual(all);
    });
  });
}

function sorted(topics: readonly TopicInfo[]): TopicInfo[] {
  return topics
    .map(({ topic, subscriptions, members, guests }) => ({ topic, subscriptions, members, guests }))
    .sort((a, b) => (a.topic < b.topic ? -1 : 1));
}
