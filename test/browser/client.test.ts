import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { publish, readStats } from "../support/api.ts";
import { eventually, pause } from "../support/deadline.ts";
import { freePort } from "../support/free-port.mjs";
import { numbers } from "../support/numbered.ts";
import { type Service, startService } from "../support/service.ts";
import { inSeconds, JWT_SECRET, tokenFor } from "../support/tokens.ts";
import { launch } from "./chromium.ts";
import { type ClientPage, type PageNotes, startClientPage } from "./client-page.ts";
import { WITH_SQLITE } from "./runtimes-with-sqlite.ts";

/** How long a token lives, in seconds. */
const TOKEN_LIFE = 5;

const notesOf = (page: Page): Promise<PageNotes> =>
  page.evaluate(() => (globalThis as unknown as { notes: PageNotes }).notes);

const lastTold = async (page: Page) => (await notesOf(page)).told.at(-1);

const isTold = (page: Page, told: string) =>
  eventually(async () => (await lastTold(page)) === told, `the page is told "${told}"`);

/** Publishes private and public messages in turn, each until the service has it. */
function startPublisher(url: string) {
  let n = 0;
  let isOver = false;
  const send = async (count: number) => {
    const body = { topic: `chat/${count % 2}`, data: { n: count }, id: `browser-${count}` };
    const isAccepted = async () => {
      const answer = await publish(url, { ...body, private: count % 2 === 0 }).catch(
        () => undefined,
      );
      return answer?.status === 200;
    };
    await eventually(isAccepted, `message ${count} is accepted`);
  };
  const running = (async () => {
    for (; !isOver; await pause(10)) await send(++n);
  })();
  return {
    count: () => n,
    /** @returns the number of messages. */
    stop: async () => {
      isOver = true;
      await running;
      return n;
    },
  };
}

describe.each(WITH_SQLITE)("a page of ten lines with the client, against $name", (runtime) => {
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  let folder: string;
  let env: Record<string, string>;
  let service: Service;
  let backend: ClientPage;
  beforeAll(async () => {
    browser = await launch();
  });
  afterAll(() => browser.close());
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "pocketwire-client-"));
    env = { REALTIME_JWT_SECRET: JWT_SECRET, REALTIME_DATA: folder, PORT: await freePort() };
    service = await startService(runtime, { env });
    backend = await startClientPage(service.url, () =>
      tokenFor("anna", { subscribe: ["chat/*"] }, { exp: inSeconds(TOKEN_LIFE) }),
    );
    context = await browser.newContext();
    page = await context.newPage();
  });
  afterEach(async () => {
    await context.close();
    await backend.close();
    await service.stop("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  });

  const restart = async () => {
    await service.stop("SIGKILL");
    service = await startService(runtime, { env });
  };

  /** Waits until the page has heard some messages more. */
  const hearsMore = async () => {
    const { heard } = await notesOf(page);
    const count = heard.length + 20;
    await eventually(async () => (await notesOf(page)).heard.length >= count, "more messages");
  };

  it("opens one stream when it loads", async () => {
    await page.goto(backend.url);
    await isTold(page, "connected");
    // `pageshow` comes after `load`. The next request of the page comes after all that they cause.
    await page.evaluate(() => fetch("/token"));
    expect((await readStats(service.url)).connects).toBe(1);
    expect((await notesOf(page)).told).toEqual(["connecting", "connected"]);
  });

  it("survives a restart, the end of tokens and sleep without missing or repeating a message", async () => {
    await page.goto(backend.url);
    await isTold(page, "connected");
    const publisher = startPublisher(service.url);
    await hearsMore();
    await restart();
    await hearsMore();
    const tokens = backend.tokens();
    await eventually(() => backend.tokens() >= tokens + 2, "two tokens have ended");
    await hearsMore();
    const cdp = await context.newCDPSession(page);
    const sleep = async (during: () => Promise<unknown>) => {
      await cdp.send("Page.setWebLifecycleState", { state: "frozen" });
      const asleep = publisher.count();
      await during();
      await eventually(() => publisher.count() > asleep + 50, "messages come during the sleep");
      await cdp.send("Page.setWebLifecycleState", { state: "active" });
      await hearsMore();
    };
    await sleep(() => Promise.resolve());
    // The connection ends, and so does the token.
    await sleep(async () => {
      await restart();
      await pause((TOKEN_LIFE + 1) * 1000);
    });
    await sleep(async () => {
      await context.setOffline(true);
      await pause(500);
      await context.setOffline(false);
    });
    await context.setOffline(true);
    const offline = publisher.count();
    await eventually(() => publisher.count() > offline + 50, "messages come while it is offline");
    await restart();
    await context.setOffline(false);
    await hearsMore();
    const sent = await publisher.stop();
    await eventually(async () => (await notesOf(page)).heard.at(-1) === sent, "the last message");
    const { heard, told } = await notesOf(page);
    expect(heard).toEqual(numbers(1, sent));
    expect(told).not.toContain("gap");
    console.info(
      `${runtime.name}: ${sent} messages, ${backend.tokens()} tokens, 3 kills, 3 sleeps, ${told.filter((one) => one === "connected").length} connections, 0 lost, 0 doubled`,
    );
  }, 180_000);

  it("comes back at once when the network does, and when the page becomes visible: no timer runs", async () => {
    await page.clock.install();
    await page.goto(backend.url);
    await isTold(page, "connected");
    // From here on no timer of the page ends, so only an event can bring the client back.
    await page.clock.pauseAt(Date.now() + 60_000);
    const goDown = async () => {
      await service.stop("SIGKILL");
      await isTold(page, "connecting");
      service = await startService(runtime, { env });
      expect((await readStats(service.url)).connects).toBe(0);
    };
    await goDown();
    await context.setOffline(true);
    await context.setOffline(false);
    await isTold(page, "connected");
    await goDown();
    await page.evaluate(() => {
      Object.defineProperty(document, "hidden", { configurable: true, get: () => true });
      document.dispatchEvent(new Event("visibilitychange", { bubbles: true }));
    });
    // A hidden page stays away.
    await page.evaluate(() => fetch("/token"));
    expect((await readStats(service.url)).connects).toBe(0);
    await page.evaluate(() => {
      Object.defineProperty(document, "hidden", { configurable: true, get: () => false });
      document.dispatchEvent(new Event("visibilitychange", { bubbles: true }));
    });
    await isTold(page, "connected");
    expect((await notesOf(page)).told).not.toContain("gap");
  });
});
