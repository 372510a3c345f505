import { expect, it } from "vitest";
import { publish } from "../../support/api.ts";
import { numbers, publishNumbers, queryOf } from "../../support/numbered.ts";
import { openStream } from "../../support/sse-client.ts";

/** A page as a client sees it. */
export interface Page {
  readonly messages: readonly {
    readonly cursor: string;
    readonly at: string;
    readonly id: string;
    readonly topics: readonly string[];
    readonly data: { readonly n: number };
  }[];
  readonly cursor: string;
  readonly more: boolean;
}

export type Query = Readonly<Record<string, string>>;
export type Read = (topics: readonly string[], more?: Query) => Promise<Page>;

/** The numbers of a page's messages. */
export const inPage = ({ messages }: Page): number[] => messages.map(({ data }) => data.n);

/** Reading a history page by page. */
export function pages(url: () => string, read: Read): void {
  it("answers the newest messages, oldest first, with all that a message carries", async () => {
    await publish(url(), [
      { topic: "first", data: { n: 1 }, id: "own-id" },
      { topic: "first", data: { n: 2, text: "ü\n🎉", list: [null] } },
    ]);
    const page = await read(["first"]);
    const cursor = expect.stringMatching(/^0-[a-z0-9]{10}-\d+$/);
    const at = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(page).toEqual({
      messages: [
        { cursor, at, id: "own-id", topics: ["first"], data: { n: 1 } },
        {
          ...{ cursor, at, id: expect.stringMatching(/^[\w-]{21}$/), topics: ["first"] },
          data: { n: 2, text: "ü\n🎉", list: [null] },
        },
      ],
      cursor,
      more: false,
    });
    expect(page.cursor).toBe(page.messages[1]?.cursor);
    expect(page.messages[0]?.cursor).not.toBe(page.messages[1]?.cursor);
    expect(Math.abs(Date.now() - Date.parse(page.messages[0]?.at ?? ""))).toBeLessThan(60_000);
  });

  it("returns the same cursor as a stream's newest event", async () => {
    await publishNumbers(url(), "place", 1, 2);
    const watch = await openStream(url(), {}, queryOf(["place"]));
    await publishNumbers(url(), "place", 3, 3);
    const [event] = await watch.receive(1);
    const page = await read(["place"]);
    expect(page.messages.at(-1)?.cursor).toBe(event?.id);
    expect(page.cursor).toBe(event?.id);
  });

  it("returns 100 messages by default, up to `limit` otherwise, and says whether there are more", async () => {
    await publishNumbers(url(), "many", 1, 1500);
    const newest = async (limit?: string) => {
      const page = await read(["many"], limit === undefined ? {} : { limit });
      return [inPage(page), page.more];
    };
    expect(await newest()).toEqual([numbers(1401, 1500), true]);
    expect(await newest("")).toEqual([numbers(1401, 1500), true]);
    expect(await newest("1")).toEqual([[1500], true]);
    expect(await newest("1000")).toEqual([numbers(501, 1500), true]);
    await publishNumbers(url(), "exact", 1, 1000);
    expect(await read(["exact"], { limit: "1000" })).toMatchObject({ more: false });
    expect(await read(["exact"], { limit: "999" })).toMatchObject({ more: true });
  });

  it("can be read completely page by page, forwards by the page's cursor and backwards by the first message's", async () => {
    const { cursor: start } = await read(["paged"]);
    await publishNumbers(url(), "paged", 1, 500, { batch: 100 });
    const forwards: number[] = [];
    let [after, more] = [start, true];
    while (more) {
      const page = await read(["paged"], { after, limit: "70" });
      expect(page.messages.length).toBe(forwards.length < 490 ? 70 : 10);
      forwards.push(...inPage(page));
      [after, more] = [page.cursor, page.more];
    }
    expect(forwards).toEqual(numbers(1, 500));
    expect(await read(["paged"], { after })).toEqual({ messages: [], cursor: after, more: false });
    const backwards: number[] = [];
    let page = await read(["paged"], { limit: "70" });
    for (;;) {
      backwards.unshift(...inPage(page));
      if (!page.more) break;
      page = await read(["paged"], { before: page.messages[0]?.cursor ?? "", limit: "70" });
    }
    expect(backwards).toEqual(numbers(1, 500));
  });

  it("misses nothing between two pages when other messages are published meanwhile", async () => {
    const first = await read(["between"]);
    await publishNumbers(url(), "else", 1, 1200);
    await publishNumbers(url(), "between", 1, 1);
    await publishNumbers(url(), "else", 1, 1200);
    const second = await read(["between"], { after: first.cursor });
    expect(inPage(second)).toEqual([1]);
    await publishNumbers(url(), "between", 2, 2);
    expect(inPage(await read(["between"], { after: second.cursor }))).toEqual([2]);
    expect(inPage(await read(["between"], { before: second.cursor }))).toEqual([1]);
  });
}
