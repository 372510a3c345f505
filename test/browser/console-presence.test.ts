import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { ADMIN_KEY, call } from "../support/api.ts";
import { closeClients } from "../support/clients.ts";
import { eventually } from "../support/deadline.ts";
import { NODE, type Service, startService, WORKERD } from "../support/service.ts";
import { openStream, type SSEClient } from "../support/sse-client.ts";
import { bearer, JWT_SECRET, tokenFor } from "../support/tokens.ts";
import { expectAccessible, launch, openPage, picture } from "./chromium.ts";

const TOPIC = "chat/1";

describe.each([NODE, WORKERD])("the members of topics in the console on $name", (runtime) => {
  let service: Service;
  let browser: Browser;
  let context: BrowserContext;
  beforeAll(async () => {
    const env = {
      REALTIME_JWT_SECRET: JWT_SECRET,
      REALTIME_TOPICS: '[{"match":"chat/*","presence":true}]',
      REALTIME_PRESENCE_GRACE_SECONDS: "1",
    };
    [service, browser] = await Promise.all([startService(runtime, { env }), launch()]);
  });
  afterAll(async () => {
    await browser.close();
    await service.stop();
  });
  beforeEach(async () => {
    await join("ann");
    await join("ann");
    await join(undefined, TOPIC, "news");
    // Members are gathered for up to a second, and those of the test before leave after the grace.
    await eventually(async () => {
      const { body } = await call(service.url, "/api/realtime/topics", {
        headers: bearer(ADMIN_KEY),
      });
      const expected = { topic: TOPIC, subscriptions: 3, members: 1, guests: 1 };
      return JSON.stringify(body.topics[0]) === JSON.stringify(expected);
    }, "the members are counted");
  });
  afterEach(async () => {
    await context.close();
    closeClients();
  });

  /** Opens a stream of a user, or of a guest. */
  async function join(user: string | undefined, ...topics: string[]): Promise<SSEClient> {
    const realtime = { subscribe: [TOPIC], info: { name: user, about: "<b>x</b>" } };
    const headers = user === undefined ? {} : bearer(await tokenFor(user, realtime));
    const names = topics.length === 0 ? [TOPIC] : topics;
    const query = new URLSearchParams(names.map((topic) => ["topic", topic]));
    return openStream(service.url, { headers }, `?${query}`);
  }

  async function openConsole(options: Parameters<Browser["newContext"]>[0]) {
    context = await browser.newContext(options);
    const opened = await openPage(context, service.url);
    await opened.page.getByLabel("Admin key or token").fill(ADMIN_KEY);
    return opened;
  }

  /** Presses "Refresh" until the counts are as expected. */
  async function refreshed(page: Page, counts: string) {
    await eventually(async () => {
      await page.getByRole("button", { name: "Refresh" }).click();
      return page.getByText(counts, { exact: true }).isVisible();
    }, counts);
  }

  it("are counted in the list of topics, listed, and up to date after a refresh", async () => {
    const { page, complaints } = await openConsole({ viewport: { width: 1280, height: 900 } });
    const counts = "3 subscriptions · 1 member · 1 guest";
    await page.getByRole("button", { name: "List topics" }).click();
    await page.getByText(counts).waitFor();
    expect(await page.locator("#topics li").allTextContents()).toEqual([
      `${TOPIC}${counts}Members`,
      "news1 subscription",
    ]);
    expect(await page.locator("#topics-note").textContent()).toBe("2 topics");
    await page.getByRole("button", { name: `Members of ${TOPIC}` }).click();
    await page.getByText("1 member, 1 guest", { exact: true }).waitFor();
    const item = page.locator("#members li");
    expect(await item.textContent()).toMatch(/^annsince.*\{"name":"ann","about":"<b>x<\/b>"\}$/);
    const since = Date.parse((await item.locator("time").getAttribute("datetime")) ?? "");
    expect(Math.abs(Date.now() - since)).toBeLessThan(60_000);
    expect(await page.locator("#curl").textContent()).toContain("/presence?topic=chat%2F1");
    expect(await page.locator("#curl").textContent()).not.toContain(ADMIN_KEY);
    await expectAccessible(page);
    await picture(page, `console-presence-${runtime.name}`);
    const bob = await join("bob");
    await refreshed(page, "2 members, 1 guest");
    bob.close();
    await refreshed(page, "1 member, 1 guest");
    expect(complaints).toEqual([]);
  });

  it("are found with the keyboard alone, on a phone and in dark mode", async () => {
    const { page, complaints } = await openConsole({
      viewport: { width: 375, height: 740 },
      colorScheme: "dark",
    });
    await page.getByRole("button", { name: "List topics" }).focus();
    await page.keyboard.press("Enter");
    await page.getByText("1 member · 1 guest").waitFor();
    // The next stops are the list, which can be scrolled, and the button of its first topic.
    for (const key of ["Tab", "Tab", "Enter"]) await page.keyboard.press(key);
    await page.getByText("1 member, 1 guest", { exact: true }).waitFor();
    const focused = () => page.evaluate(() => document.activeElement?.textContent);
    expect(await focused()).toBe(`Members of ${TOPIC}`);
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    expect(width).toBeLessThanOrEqual(375);
    await expectAccessible(page);
    await picture(page, `phone-presence-${runtime.name}`);
    await page.keyboard.press("Tab");
    expect(await focused()).toBe("Refresh");
    for (const key of ["Tab", "Enter"]) await page.keyboard.press(key);
    expect(await page.locator("#members-panel").isHidden()).toBe(true);
    expect(await focused()).toBe("List topics");
    expect(complaints).toEqual([]);
  });

  it("are refused without the admin key", async () => {
    const { page } = await openConsole({});
    await page.getByLabel("Admin key or token").fill("wrong");
    await page.getByRole("button", { name: "List topics" }).click();
    await page.getByText(/^Error: 401 /).waitFor();
    expect(await page.locator("#topics li").count()).toBe(0);
  });
});
