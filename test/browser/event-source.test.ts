import { mkdtempSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { publish } from "../support/api.ts";
import { eventually } from "../support/deadline.ts";
import { NODE, startService, WORKERD } from "../support/service.ts";
import { launch, openPage } from "./chromium.ts";

const SDK = readFileSync(
  join(createRequire(import.meta.url).resolve("pocketbase"), "../pocketbase.umd.js"),
  "utf8",
);

interface Heard {
  readonly type: string;
  readonly data: string;
  readonly id: string;
}

/** Listens in the page, and collects the events in `heard`. */
function listen(page: Page, path: string, names: readonly string[]): Promise<void> {
  return page.evaluate(
    ([path, names]) => {
      const world = globalThis as unknown as { heard: Heard[]; streams: EventSource[] };
      world.heard ??= [];
      world.streams ??= [];
      const stream = new EventSource(path);
      world.streams.push(stream);
      for (const name of names) {
        stream.addEventListener(name, ({ type, data, lastEventId: id }) =>
          world.heard.push({ type, data, id }),
        );
      }
    },
    [path, names] as const,
  );
}

const heard = (page: Page): Promise<Heard[]> =>
  page.evaluate(() => (globalThis as unknown as { heard: Heard[] }).heard);

async function hears(page: Page, type: string, data: string): Promise<Heard> {
  const isIt = (event: Heard) => event.type === type && event.data.includes(data);
  return eventually(async () => (await heard(page)).find(isIt), `${type} ${data}`, 30_000);
}

describe.each([NODE, WORKERD])("$name, in Chromium", (runtime) => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launch();
  });
  afterAll(() => browser.close());

  it("serves a plain EventSource, which reconnects after a restart", async () => {
    const env = { PORT: "18431", WORKERD_STATE: mkdtempSync(join(tmpdir(), "state-")) };
    const first = await startService(runtime, { env });
    const context = await browser.newContext();
    const { page } = await openPage(context, first.url);
    await listen(page, "/api/realtime?topic=news/*", ["PB_CONNECT", "PB_RESUME", "news/*"]);
    const connected = await hears(page, "PB_CONNECT", "clientId");
    expect(connected.id).toBe(JSON.parse(connected.data).clientId);
    await publish(first.url, { topic: "news/a", data: { n: 1 } });
    const one = await hears(page, "news/*", '"n":1');
    expect(one.id).toMatch(/^0-/);
    await first.stop();
    const second = await startService(runtime, { env });
    await publish(second.url, { topic: "news/b", data: { n: 2 } });
    // The log in memory starts a new epoch, so the page gets `recovered: false`. SQLite keeps the log, and the page misses
    // nothing.
    const recovered = runtime.keepsLog !== undefined;
    const resume = await hears(page, "PB_RESUME", `"recovered":${recovered}`);
    expect(JSON.parse(resume.data).recovered).toBe(recovered);
    await publish(second.url, { topic: "news/c", data: { n: 3 } });
    await hears(page, "news/*", '"n":3');
    const numbers = (await heard(page)).flatMap(({ type, data }) =>
      type === "news/*" ? JSON.parse(data).n : [],
    );
    expect(numbers).toEqual(recovered ? [1, 2, 3] : [1, 3]);
    await context.close();
    await second.stop();
  });

  it("serves the PocketBase SDK in the page", async () => {
    const { url, stop } = await startService(runtime);
    const context = await browser.newContext();
    const { page, complaints } = await openPage(context, url);
    await page.evaluate(SDK);
    await page.evaluate(async (url) => {
      const world = globalThis as unknown as {
        PocketBase: new (
          url: string,
        ) => {
          realtime: { subscribe(topic: string, hear: (data: unknown) => void): Promise<unknown> };
          collection(name: string): {
            subscribe(topic: string, hear: (event: unknown) => void): Promise<unknown>;
          };
        };
        got: string[];
      };
      world.got = [];
      const pb = new world.PocketBase(url);
      await pb.realtime.subscribe("chat", (data) => world.got.push(JSON.stringify(data)));
      await pb.collection("posts").subscribe("*", (event) => world.got.push(JSON.stringify(event)));
    }, url);
    await publish(url, { topic: "chat", data: { text: "hello" } });
    await publish(url, { collection: "posts", action: "update", record: { id: "r1" } });
    const got = () => page.evaluate(() => (globalThis as unknown as { got: string[] }).got);
    await eventually(async () => (await got()).length === 2, "both messages arrive");
    expect(await got()).toEqual(['{"text":"hello"}', '{"action":"update","record":{"id":"r1"}}']);
    expect(complaints).toEqual([]);
    await context.close();
    await stop();
  });

  it("serves six streams of one browser at a time, the browser's limit for HTTP/1.1", async () => {
    const { url, stop } = await startService(runtime);
    const context = await browser.newContext();
    const { page } = await openPage(context, url);
    for (let n = 0; n < 7; n++) await listen(page, "/api/realtime", ["PB_CONNECT"]);
    await eventually(async () => (await heard(page)).length === 6, "six are open");
    await page.waitForTimeout(500);
    expect(await heard(page)).toHaveLength(6);
    await page.evaluate(() =>
      (globalThis as unknown as { streams: EventSource[] }).streams[0]?.close(),
    );
    await eventually(async () => (await heard(page)).length === 7, "the seventh stream opens");
    await context.close();
    await stop();
  });
});
