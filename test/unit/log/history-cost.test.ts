import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readHistory } from "../../../src/log/history.ts";
import { MessageContents } from "../../../src/realtime/records/message-contents.ts";
import { SubscriptionIndex } from "../../../src/realtime/subscriptions/subscription-index.ts";
import type { LogReader } from "../../../src/realtime/types.ts";
import { within } from "../../support/deadline.ts";
import { ids, logOf, message } from "../../support/history-under-test.ts";

const levels = fc.array(fc.constantFrom("a", "b", "*", ""), { minLength: 1, maxLength: 4 });
const anyTopic = levels.map((parts) => parts.join("/"));
const anyPattern = fc.oneof(
  anyTopic,
  anyTopic.map((topic) => `${topic}/*`),
  fc.constant("*"),
);
const anyKey = fc.oneof(
  anyPattern,
  anyPattern.map((topic) => `${topic}?options={}`),
);
const anyMessages = fc.array(
  fc.record({
    topics: fc.array(anyTopic, { minLength: 1, maxLength: 3 }),
    private: fc.boolean(),
  }),
  { maxLength: 12 },
);

describe("the history", () => {
  it("gives what a client with the same keys and rights would have got", async () => {
    const property = fc.asyncProperty(
      anyMessages,
      fc.array(anyKey, { maxLength: 4 }),
      fc.array(anyPattern, { maxLength: 3 }),
      async (drafts, topics, rights) => {
        const messages = drafts.map((draft, n) => message(`m${n}`, "", draft));
        const index = new SubscriptionIndex<string>();
        index.replace("reader", topics, rights);
        const page = await readHistory(
          logOf(messages),
          { topics, limit: 100 },
          new MessageContents(),
          { rights },
        );
        const matching = messages.filter((one) => index.match(one.topics, one.private).length > 0);
        expect(page.messages.map((entry) => entry.message.id)).toEqual(
          matching.map(({ id }) => id),
        );
        expect(page.scanned).toBe(messages.length);
      },
    );
    await fc.assert(property, { numRuns: 300 });
  });

  it("counts what was looked at, and no more than was", async () => {
    const log = logOf(ids(50).map((id) => message(id)));
    const page = await readHistory(log, { topics: ["chat"], limit: 5 }, new MessageContents());
    expect(page.scanned).toBe(6);
  });

  it("is read a few pages in a time slice, however many requests read it at once", async () => {
    const log = logOf(ids(3).map((id) => message(id)));
    let slice = 0;
    const pages: number[] = [];
    const slow: LogReader = {
      keepsHistory: true,
      cursor: () => log.cursor(),
      hasReached: (cursor) => log.hasReached(cursor),
      tail: (listener) => log.tail(listener),
      read: (...all) => log.read(...all),
      readBack: (...all) => {
        pages.push(slice);
        for (const end = Date.now() + 6; Date.now() < end; );
        return log.readBack(...all);
      },
    };
    const readings = Array.from({ length: 10 }, () =>
      readHistory(slow, { topics: ["nothing"], limit: 1 }, new MessageContents()),
    );
    expect(pages, "none is read by the calls themselves").toEqual([]);
    const others = setInterval(() => {
      slice += 1;
    });
    await within(Promise.all(readings), 10_000, "all are read");
    clearInterval(others);
    // Each has a page of 6 ms, and a slice has 5 ms.
    expect(pages).toHaveLength(10);
    for (let n = 0; n <= slice; n++) {
      expect(pages.filter((at) => at === n).length).toBeLessThanOrEqual(2);
    }
  });
});
