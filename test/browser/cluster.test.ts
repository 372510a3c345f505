import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ADMIN_KEY } from "../support/api.ts";
import { publishInTurn, startClusterDemo } from "../support/cluster-demo.ts";
import { eventually } from "../support/deadline.ts";
import { NO_REDIS } from "../support/redis-server.ts";
import { launch, openPage } from "./chromium.ts";

/** What the page has heard: the number of each message, and the data of each PB_RESUME. */
interface PageWorld {
  heard: number[];
  resumes: string[];
  isOpen: boolean;
}

/** Opens a bare `EventSource` in the page. */
function listen(page: Page): Promise<void> {
  return page.evaluate(() => {
    const world = globalThis as unknown as PageWorld;
    Object.assign(world, { heard: [], resumes: [], isOpen: false });
    const stream = new EventSource("/api/realtime?topic=chat");
    stream.addEventListener("PB_CONNECT", () => {
      world.isOpen = true;
    });
    stream.addEventListener("PB_RESUME", ({ data }) => world.resumes.push(data));
    stream.addEventListener("chat", ({ data }) => world.heard.push(JSON.parse(data)));
  });
}

const read = (page: Page): Promise<PageWorld> =>
  page.evaluate(() => {
    const { heard, resumes, isOpen } = globalThis as unknown as PageWorld;
    return { heard, resumes, isOpen };
  });

const title = "npm run cluster, with an EventSource in Chromium";
describe.skipIf(NO_REDIS)(`${title}${NO_REDIS ? ` (skipped: ${NO_REDIS})` : ""}`, () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launch();
  });
  afterAll(() => browser.close());

  it("gives the page every message once and in order, whichever process is killed, and Redis", async () => {
    const demo = await startClusterDemo(ADMIN_KEY);
    const context = await browser.newContext();
    const { page } = await openPage(context, demo.url);
    expect(await page.title()).toContain("Pocketwire");
    await listen(page);
    await eventually(async () => (await read(page)).isOpen, "the page connects");
    const publisher = publishInTurn(demo.processes, "chat");
    for (const name of ["Redis", "process 1", "process 2", "process 3", "Redis"]) {
      const { length } = (await read(page)).heard;
      await eventually(
        async () => (await read(page)).heard.length > length + 20,
        `the page hears messages before ${name} ends`,
      );
      await demo.kill(name);
    }
    const count = await publisher.stop();
    await eventually(
      async () => (await read(page)).heard.length >= count,
      `the page hears ${count} messages`,
    );
    const { heard, resumes } = await read(page);
    expect(heard).toEqual(Array.from({ length: count }, (_, index) => index + 1));
    // The page's process was among those that were killed.
    expect(resumes.length).toBeGreaterThan(0);
    expect(resumes.every((data) => JSON.parse(data).recovered === true)).toBe(true);
    await context.close();
    expect(await demo.stop()).toBe(0);
  }, 180_000);
});
