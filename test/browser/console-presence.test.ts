import type { Browser, BrowserContext } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { ADMIN_KEY, call } from "../support/api.ts";
import { closeClients } from "../support/clients.ts";
import { eventually } from "../support/deadline.ts";
import { NODE, type Service, startService, WORKERD } from "../support/service.ts";
import { openStream, type SSEClient } from "../support/sse-client.ts";
import { bearer, JWT_SECRET, tokenFor } from "../support/tokens.ts";
import { expectAccessible, launch, openPage, picture } from "./chromium.ts";
import { enterAdminKey, enterKey, expectNoOverflow, openTab, press } from "./console-page.ts";

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

  async function openTopics(options: Parameters<Browser["newContext"]>[0]) {
    context = await browser.newContext(options);
    const opened = await openPage(context, service.url);
    await enterAdminKey(opened.page);
    await openTab(opened.page, "Topics");
    return opened;
  }

  it("are counted in the list of topics, listed, and kept up to date", async () => {
    const { page, complaints } = await openTopics({ viewport: { width: 1280, height: 900 } });
    const counts = "3 subscriptions · 1 member · 1 guest";
    await page.getByText(counts).waitFor();
    expect(await page.locator("#topics li").allTextContents()).toEqual([
      `${TOPIC}${counts}`,
      "news1 subscription",
    ]);
    expect(await page.locator("#topics-note").textContent()).toBe("2 topics");
    await press(page, `Open ${TOPIC}`);
    await page.getByText("1 member, 1 guest", { exact: true }).waitFor();
    const item = page.locator("#members li");
    expect(await item.textContent()).toMatch(/^ann since .*\{"name":"ann","about":"<b>x<\/b>"\}$/);
    const since = Date.parse((await item.locator("time").getAttribute("datetime")) ?? "");
    expect(Math.abs(Date.now() - since)).toBeLessThan(60_000);
    await expectAccessible(page);
    await picture(page, `console-presence-${runtime.name}`);
    // The page loads its lists again by itself.
    const bob = await join("bob");
    await page.getByText("2 members, 1 guest", { exact: true }).waitFor();
    bob.close();
    await page.getByText("1 member, 1 guest", { exact: true }).waitFor();
    expect(complaints).toEqual([]);
  });

  it("are found with the keyboard alone, on a phone and in dark mode", async () => {
    const { page, complaints } = await openTopics({
      viewport: { width: 375, height: 740 },
      colorScheme: "dark",
    });
    await page.getByText("1 member · 1 guest").waitFor();
    await page.getByRole("button", { name: "Refresh" }).focus();
    // The next stops are the list, which can be scrolled, and the button of its first topic.
    for (const key of ["Tab", "Tab", "Enter"]) await page.keyboard.press(key);
    await page.getByText("1 member, 1 guest", { exact: true }).waitFor();
    const focusedText = () => page.evaluate(() => document.activeElement?.textContent);
    expect(await focusedText()).toBe(TOPIC);
    await expectNoOverflow(page);
    await expectAccessible(page);
    await picture(page, `phone-presence-${runtime.name}`);
    expect(complaints).toEqual([]);
  });

  it("are refused without the admin key, before a request is sent", async () => {
    context = await browser.newContext();
    const { page, complaints } = await openPage(context, service.url);
    await openTab(page, "Topics");
    await page.getByText("Enter the admin key above to see this list.").waitFor();
    await enterKey(page, "wrong", "The service does not accept this key.");
    await page
      .getByText("The service does not accept the key above. Enter the admin key.")
      .waitFor();
    expect(await page.locator("#topics li").count()).toBe(0);
    // The only request is the one that checks the key.
    expect(complaints).toEqual([expect.stringContaining("status of 401")]);
  });
});
