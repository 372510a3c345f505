import { build } from "esbuild";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { publish, readStats } from "../support/api.ts";
import { eventually } from "../support/deadline.ts";
import { NODE, type Service, startService } from "../support/service.ts";
import { JWT_SECRET, signToken } from "../support/tokens.ts";
import { launch, openPage } from "./chromium.ts";
import type { Props, World } from "./react/app.ts";

const ENV = {
  REALTIME_CONSOLE: "true",
  REALTIME_JWT_SECRET: JWT_SECRET,
  REALTIME_TOPICS: '[{"match":"chat/*","presence":true},{"match":"$presence/*","private":false}]',
};

describe("pocketwire/react in Chromium, under StrictMode", () => {
  let browser: Browser;
  let service: Service;
  let script: string;
  beforeAll(async () => {
    browser = await launch();
    service = await startService(NODE, { env: ENV });
    const { outputFiles } = await build({
      entryPoints: ["test/browser/react/app.ts"],
      ...{ bundle: true, write: false, format: "iife", target: "es2022" },
      define: { "process.env.NODE_ENV": '"development"' },
    });
    script = outputFiles[0]?.text ?? "";
  });
  afterAll(async () => {
    await browser.close();
    await service.stop();
  });

  /** Opens the page in a browser of its own. */
  async function open(sub?: string) {
    const context = await browser.newContext();
    const { page, complaints } = await openPage(context, service.url);
    const token = sub === undefined ? undefined : await signToken({ sub });
    await page.evaluate((token) => Object.assign(globalThis, { token }), token);
    await page.evaluate(script);
    let posts = 0;
    page.on("request", (request) => {
      if (request.method() === "POST") posts += 1;
    });
    return {
      page,
      complaints,
      posts: () => posts,
      render: (props?: Props) =>
        page.evaluate((props) => (globalThis as unknown as World).render(props), props),
      read: (name: "heard" | "told") =>
        page.evaluate((name) => (globalThis as unknown as World)[name], name),
      shows: (text: string) => shows(page, text),
      close: () => context.close(),
    };
  }

  const say = async (topic: string, ...numbers: number[]) => {
    for (const n of numbers) await publish(service.url, { topic, data: { n } });
  };
  const subscriptions = (count: number) =>
    eventually(
      async () => (await readStats(service.url)).subscriptions === count,
      `the service has ${count} subscriptions`,
    );

  it("calls the newest callback once for each message, over one subscription", async () => {
    const app = await open();
    await app.render({ topic: "chat/1", label: "a" });
    await app.shows("connected");
    await subscriptions(1);
    await say("chat/1", 1, 2);
    await eventually(async () => (await app.read("heard")).length >= 2, "two messages arrive");
    const before = app.posts();
    await app.render({ topic: "chat/1", label: "b" });
    await say("chat/1", 3);
    await eventually(async () => (await app.read("heard")).length >= 3, "the third arrives");
    expect(await app.read("heard")).toEqual(['a{"n":1}', 'a{"n":2}', 'b{"n":3}']);
    expect(app.posts()).toBe(before);
    expect(app.complaints).toEqual([]);
    await app.close();
    await subscriptions(0);
  });

  it("subscribes anew when the topic or the filter changes, and not when an equal filter comes", async () => {
    const app = await open();
    await app.render({ topic: "chat/1" });
    await app.shows("connected");
    await app.render({ topic: "chat/2", filter: "n > 1" });
    await eventually(() => app.posts() >= 2, "the change is sent");
    await subscriptions(1);
    await say("chat/1", 1, 2);
    await say("chat/2", 1, 2);
    await eventually(async () => (await app.read("heard")).length >= 1, "a message arrives");
    const before = app.posts();
    await app.render({ topic: "chat/2", filter: ["n >", "1"].join(" ") });
    await say("chat/2", 3);
    await eventually(async () => (await app.read("heard")).length >= 2, "the next arrives");
    expect(app.posts()).toBe(before);
    await app.render({ topic: "chat/2", filter: "n < 1" });
    await eventually(() => app.posts() > before, "the new filter is sent");
    await eventually(async () => {
      await say("chat/2", 5, 0);
      return (await app.read("heard")).includes('{"n":0}');
    }, "a message of the new filter arrives");
    const heard = await app.read("heard");
    expect(heard.slice(0, 2)).toEqual(['{"n":2}', '{"n":3}']);
    await app.close();
    await subscriptions(0);
  });

  it("has no subscription without a topic, and none when it is unmounted", async () => {
    const app = await open();
    await app.render({ topic: null });
    await app.shows("idle");
    for (const props of [{ topic: null }, undefined]) {
      await app.render({ topic: "chat/1" });
      await app.shows("connected");
      await subscriptions(1);
      await app.render(props);
      await subscriptions(0);
    }
    await say("chat/1", 1);
    expect(await app.read("heard")).toEqual([]);
    await app.close();
  });

  it("shows who is there, and calls the newest callback of the option presence", async () => {
    const [ann, ben] = [await open("ann"), await open("ben")];
    await ann.render({ topic: "chat/1", hasPresence: true });
    await ann.shows("connected; members: ann");
    await ann.render({ topic: "chat/1", hasPresence: true, label: "new " });
    await ben.render({ topic: "chat/1", hasPresence: true });
    for (const app of [ann, ben]) await app.shows("connected; members: ann, ben");
    expect((await ann.read("told")).at(-1)).toBe("new ann,ben");
    await ben.render({ topic: "chat/2", hasPresence: true });
    await ben.shows("connected; members: ben");
    await ben.close();
    await ann.shows("connected; members: ann");
    await ann.close();
  });
});

function shows(page: Page, text: string): Promise<true> {
  return eventually(
    async () => ((await page.locator("#app").textContent()) ?? "").startsWith(text),
    `the page shows "${text}"`,
  );
}
