import { fileURLToPath } from "node:url";
import { sign } from "hono/jwt";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bunPath } from "../../scripts/bun.mjs";
import { call } from "../support/api.ts";
import { eventually } from "../support/deadline.ts";
import { freePort } from "../support/free-port.mjs";
import { NO_REDIS, startRedis } from "../support/redis-server.ts";
import { type RuntimeUnderTest, startService, WORKERD } from "../support/service.ts";
import { launch, openPage, picture } from "./chromium.ts";
import { serveClient } from "./client-files.ts";

const EXAMPLE = fileURLToPath(new URL("../../examples/chat.mjs", import.meta.url));
const SECRET = "a-secret-of-the-tests-with-at-least-32-characters";
const TOPICS =
  '[{"match":"chat/*","keep":100,"presence":true},{"match":"$presence/*","private":false}]';
const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };

/** A running chat at one address or more. */
interface Chat {
  /** The addresses: page n uses address n, modulo their number. */
  readonly urls: readonly string[];
  /** The page, where the service does not serve the page itself. */
  readonly html?: string;
  /** Ends the service of an address without a warning. */
  kill?(index: number): Promise<unknown>;
  stop(): Promise<unknown>;
}

const NODE: readonly [string, ...string[]] = [process.execPath];
const BUN: readonly [string, ...string[]] = [bunPath()];

function example(program: readonly [string, ...string[]]): RuntimeUnderTest {
  return {
    name: "the example",
    command: () => [...program, EXAMPLE] as [string, ...string[]],
    urlIn: (output) => /^(http:\S+)$/m.exec(output)?.[1],
  };
}

async function startOne(program: readonly [string, ...string[]]): Promise<Chat> {
  const env = { PORT: await freePort(), CHAT_SECRET: SECRET };
  const service = await startService(example(program), { env });
  return { urls: [service.url], stop: () => service.stop("SIGKILL") };
}

async function startThree(program: readonly [string, ...string[]]): Promise<Chat> {
  const redis = await startRedis();
  const services = await Promise.all(
    [1, 2, 3].map(async () => {
      const env = { PORT: await freePort(), CHAT_SECRET: SECRET, REDIS_URL: redis.url };
      return startService(example(program), { env });
    }),
  );
  return {
    urls: services.map(({ url }) => url),
    kill: async (index) => services[index]?.stop("SIGKILL"),
    stop: async () => {
      await Promise.all(services.map((service) => service.stop("SIGKILL")));
      await redis.stop();
    },
  };
}

/** The page of the example with a Worker of two shards. */
async function startWorker(): Promise<Chat> {
  const page = await startOne(NODE);
  const { body: html } = await call(page.urls[0] ?? "", "/");
  await page.stop();
  const env = {
    REALTIME_SHARDS: "2",
    REALTIME_TOPICS: TOPICS,
    REALTIME_JWT_SECRET: SECRET,
    REALTIME_COOKIE: "chat",
  };
  const service = await startService(WORKERD, { env });
  return { urls: [service.url], html, stop: () => service.stop() };
}

/** One person with a browser. */
interface Person {
  readonly context: BrowserContext;
  readonly page: Page;
}

const title = "the members of the chat example, in Chromium";
describe(title, () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launch();
  });
  afterAll(() => browser.close());

  async function join(chat: Chat, index: number, name: string, options = {}): Promise<Person> {
    const url = chat.urls[index % chat.urls.length] ?? "";
    const context = await browser.newContext(options);
    if (chat.html !== undefined) await serveExample(context, url, chat.html);
    const { page } = await openPage(context, url);
    await page.getByLabel("Your name").fill(name);
    await page.getByRole("button", { name: "Join" }).click();
    return { context, page };
  }

  const chats: [name: string, start: () => Promise<Chat>, skip?: string | undefined][] = [
    ["one process on Node", () => startOne(NODE)],
    ["one process on Bun", () => startOne(BUN)],
    ["three processes on Node", () => startThree(NODE), NO_REDIS],
    ["three processes on Bun", () => startThree(BUN), NO_REDIS],
    ["two shards in workerd", startWorker],
  ];
  for (const [place, start, skip] of chats) {
    it.skipIf(skip)(`come and go: ${place}${skip ? ` (skipped: ${skip})` : ""}`, async () => {
      const chat = await start();
      const ann = await join(chat, 0, "ann");
      const ben = await join(chat, 1, "ben");
      const cy = await join(chat, 2, "cy", PHONE);
      for (const { page } of [ann, ben, cy]) await sees(page, "ann, ben, cy");
      await picture(cy.page, `chat-phone-${place.replaceAll(" ", "-")}`);

      // A reload is neither a leave nor a join.
      const history = await recordMembers(ann.page);
      await ben.page.reload();
      await sees(ben.page, "ann, ben, cy");
      await cy.context.close();
      await sees(ann.page, "ann, ben");
      await sees(ben.page, "ann, ben");
      expect(await history()).toEqual(["ann, ben, cy", "ann, ben"]);

      if (chat.kill === undefined) await ben.context.close();
      else await chat.kill(1);
      await sees(ann.page, "ann");
      const dora = await join(chat, 2, "dora");
      await sees(ann.page, "ann, dora");
      await sees(dora.page, "ann, dora");
      for (const { context } of [ann, ben, dora]) await context.close();
      await chat.stop();
    });
  }
});

async function serveExample(context: BrowserContext, url: string, html: string): Promise<void> {
  await context.route(`${url}/`, (route) =>
    route.fulfill({ contentType: "text/html", body: html }),
  );
  await serveClient(context, url);
  await context.route(`${url}/sign-in`, async (route) => {
    const { name } = route.request().postDataJSON();
    const exp = Math.floor(Date.now() / 1000) + 3600;
    const token = await sign({ sub: `id of ${name}`, exp, realtime: { info: { name } } }, SECRET);
    await context.addCookies([{ name: "chat", value: token, url, sameSite: "Strict" }]);
    await route.fulfill({ status: 204 });
  });
}

function sees(page: Page, names: string): Promise<true> {
  return eventually(
    async () => (await page.locator("#members").textContent()) === names,
    `the page shows ${names}`,
    30_000,
  );
}

/** Records each list of members that the page shows from now on. */
async function recordMembers(page: Page): Promise<() => Promise<string[]>> {
  await page.evaluate(() => {
    const world = globalThis as unknown as { lists: string[] };
    const element = document.querySelector("#members");
    world.lists = [element?.textContent ?? ""];
    const note = () => {
      const text = element?.textContent ?? "";
      if (world.lists.at(-1) !== text) world.lists.push(text);
    };
    if (element) new MutationObserver(note).observe(element, { childList: true });
  });
  return () => page.evaluate(() => (globalThis as unknown as { lists: string[] }).lists);
}
