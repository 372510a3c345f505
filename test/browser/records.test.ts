import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { publish } from "../support/api.ts";
import { casesFromOutside } from "../support/cases-from-outside.ts";
import { eventually } from "../support/deadline.ts";
import { NODE, startService, WORKERD } from "../support/service.ts";
import { launch, openPage } from "./chromium.ts";

const SDK = readFileSync(
  join(createRequire(import.meta.url).resolve("pocketbase"), "../pocketbase.umd.js"),
  "utf8",
);

/** One call of the SDK in the page. The filter is a text, or a text with parameters for `pb.filter`. */
interface Subscription {
  readonly name: string;
  readonly collection: string;
  readonly record?: string;
  readonly filter: string | [text: string, values: object];
  readonly fields?: string;
}

interface PageWorld {
  readonly PocketBase: new (
    url: string,
  ) => {
    filter(text: string, values: object): string;
    collection(name: string): {
      subscribe(topic: string, hear: (event: unknown) => void, options: object): Promise<unknown>;
    };
  };
  readonly got: [name: string, event: unknown][];
}

/** Subscribes with the SDK in the page, and collects in `got` what the subscriptions receive. */
async function subscribe(page: Page, url: string, all: readonly Subscription[]): Promise<void> {
  await page.evaluate(SDK);
  await page.evaluate(
    async ([url, all]) => {
      const world = Object.assign(globalThis as unknown as PageWorld, { got: [] });
      const pb = new world.PocketBase(url);
      const subscribing = all.map(({ name, collection, record = "*", filter, fields }) => {
        const text = typeof filter === "string" ? filter : pb.filter(...filter);
        const hear = (event: unknown) => void world.got.push([name, event]);
        return pb.collection(collection).subscribe(record, hear, { filter: text, fields });
      });
      await Promise.all(subscribing);
    },
    [url, all] as const,
  );
}

/** What the page has received when the subscription `end` has received its record. */
async function received(page: Page, url: string): Promise<PageWorld["got"]> {
  await publish(url, { collection: "end", action: "create", record: { id: "end" } });
  const got = () => page.evaluate(() => (globalThis as unknown as PageWorld).got);
  await eventually(
    async () => (await got()).some(([name]) => name === "end"),
    "the last record arrives",
  );
  return (await got()).filter(([name]) => name !== "end");
}

const END: Subscription = { name: "end", collection: "end", filter: "id = 'end'" };

describe.each([NODE, WORKERD])("records on $name, with the SDK in Chromium", (runtime) => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launch();
  });
  afterAll(() => browser.close());

  it("are those that the filter selects, with the fields that the page asks for", async () => {
    const { url, stop } = await startService(runtime);
    const context = await browser.newContext();
    const { page, complaints } = await openPage(context, url);
    const title = 'it\'s "so" \\ 🎉\nnew';
    const filter: Subscription["filter"] = [
      "status = {:s} && title = {:title}",
      { s: "open", title },
    ];
    await subscribe(page, url, [
      { name: "picked", collection: "posts", filter, fields: "id,body:excerpt(5,true)" },
      { name: "one", collection: "posts", record: "p2", filter: ["n > {:n}", { n: 1.5 }] },
      END,
    ]);
    const record = (id: string, more: object) => ({ id, status: "open", title, n: 1, ...more });
    const records = [
      record("p1", { body: "<p>Hello <b>world</b></p>" }),
      record("p2", { status: "closed", n: 2 }),
      record("p3", { title: "another" }),
    ];
    await publish(
      url,
      records.map((record) => ({ collection: "posts", action: "update", record })),
    );
    expect(await received(page, url)).toEqual([
      ["picked", { action: "update", record: { id: "p1", body: "Hello..." } }],
      ["one", { action: "update", record: records[1] }],
    ]);
    expect(complaints).toEqual([]);
    await context.close();
    await stop();
  });

  it("are those that PocketBase sends, by every shared case", async () => {
    const { url, stop } = await startService(runtime);
    const context = await browser.newContext();
    const { page } = await openPage(context, url);
    const cases = casesFromOutside("client").filter((one) => one.expect !== "error");
    const subscriptions = cases.map(({ collection, filter }) => ({
      name: collection,
      collection,
      filter,
    }));
    await subscribe(page, url, [...subscriptions, END]);
    const answer = await publish(
      url,
      cases.map(({ event }) => event),
    );
    expect(answer.status).toBe(200);
    const names = (await received(page, url)).map(([name]) => name);
    const expected = cases.filter((one) => one.expect === true);
    expect(names).toEqual(expected.map(({ collection }) => collection));
    await context.close();
    await stop();
  });
});
