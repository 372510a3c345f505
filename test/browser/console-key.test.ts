import type { Browser, BrowserContext } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { ADMIN_KEY, publish } from "../support/api.ts";
import { NODE, type Service, startService, WORKERD } from "../support/service.ts";
import { inSeconds, JWT_SECRET, signToken, tokenFor } from "../support/tokens.ts";
import { launch, openPage } from "./chromium.ts";
import {
  enterAdminKey,
  enterKey,
  event,
  listedSubscriptions,
  openTab,
  press,
  state,
  subscribeTo,
} from "./console-page.ts";

const RIGHTS = { subscribe: ["secret"] };

describe.each([NODE, WORKERD])("the key in the header of the console on $name", (runtime) => {
  let service: Service;
  let browser: Browser;
  let context: BrowserContext;
  beforeAll(async () => {
    const env = { REALTIME_JWT_SECRET: JWT_SECRET, REALTIME_AUTH_GRACE_SECONDS: "60" };
    [service, browser] = await Promise.all([startService(runtime, { env }), launch()]);
  });
  afterAll(async () => {
    await browser.close();
    await service.stop();
  });
  beforeEach(async () => {
    context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  });
  afterEach(() => context.close());

  const publishPrivately = (text: string) =>
    publish(service.url, { topic: "secret", data: { text }, private: true });

  it("says whose key it is, and which key is wrong", async () => {
    const { page } = await openPage(context, service.url);
    expect(await page.locator("#identity").textContent()).toBe("Guest");
    await enterKey(page, "not-the-key-of-the-service", "The service does not accept this key.");
    const field = page.getByLabel("Admin key or token");
    expect(await field.getAttribute("aria-invalid")).toBe("true");
    await enterKey(page, ADMIN_KEY, "Admin: may do everything");
    expect(await field.getAttribute("aria-invalid")).toBe("false");
    await enterKey(page, await tokenFor("anna"), /^User anna, until \d\d:\d\d:\d\d$/);
    await enterKey(page, "", "Guest");
  });

  it("says that a token has expired, and a new one continues the stream", async () => {
    const { page } = await openPage(context, service.url);
    const short = await signToken({ realtime: RIGHTS, exp: inSeconds(4) });
    await enterKey(page, short, "User anna");
    await subscribeTo(page, "secret");
    await event(page, "PB_AUTH_EXPIRED").waitFor();
    await page.locator("#identity", { hasText: "The token has expired." }).waitFor();
    await publishPrivately("after the end");
    expect(await event(page, "after the end").count()).toBe(0);
    await enterKey(page, await tokenFor("anna", RIGHTS), "User anna");
    await event(page, "after the end").waitFor();
  });

  it("is the identity of the stream, also after a break", async () => {
    const { page, complaints } = await openPage(context, service.url);
    await enterKey(page, await tokenFor("anna", RIGHTS), "User anna");
    await subscribeTo(page, "secret");
    await publishPrivately("before");
    await event(page, '"before"').waitFor();
    await press(page, "Break");
    for (const text of ["one", "two"]) await publishPrivately(text);
    await press(page, "Resume");
    await event(page, '"recovered":true,"replayed":2').waitFor();
    for (const text of ["before", "one", "two"]) {
      expect(await page.locator("#events > li", { hasText: `"${text}"` }).count()).toBe(1);
    }
    // Only the check of the key, which reads the statistics, is refused.
    expect(complaints).toEqual([expect.stringContaining("status of 403")]);
  });

  it("makes a guest's stream a user's, and the stream misses nothing", async () => {
    const { page } = await openPage(context, service.url);
    await subscribeTo(page, "secret, open");
    await publishPrivately("not for guests");
    await publish(service.url, { topic: "open", data: { text: "for everyone" } });
    await event(page, "for everyone").waitFor();
    expect(await event(page, "not for guests").count()).toBe(0);
    await enterKey(page, await tokenFor("anna", RIGHTS), "User anna");
    await event(page, '"recovered":true').waitFor();
    await publishPrivately("for anna");
    await event(page, "for anna").waitFor();
    expect(await page.locator("#events > li", { hasText: "for everyone" }).count()).toBe(1);
  });

  it("is kept for the tab with the subscriptions, and not for another tab", async () => {
    const { page, complaints } = await openPage(context, service.url);
    await enterAdminKey(page);
    await subscribeTo(page, "chat, news/*");
    await press(page, "Hide");
    await openTab(page, "Topics");
    await page.reload();
    await state(page, "Connected");
    await page.locator("#identity", { hasText: "Admin" }).waitFor();
    expect(await page.getByRole("heading", { name: "Topics", exact: true }).isVisible()).toBe(true);
    await press(page, "Open chat");
    await openTab(page, "Live");
    expect(await listedSubscriptions(page)).toEqual(["chat", "news/*"]);
    expect(await page.locator("#steps").isVisible()).toBe(false);
    await publish(service.url, { topic: "news/1", data: { after: "the reload" } });
    await event(page, '"after":"the reload"').waitFor();

    const { page: other } = await openPage(context, service.url);
    expect(await other.locator("#identity").textContent()).toBe("Guest");
    expect(await listedSubscriptions(other)).toEqual([]);
    expect(await other.locator("#state-text").textContent()).toBe("Not connected");
    const kept = await page.evaluate(() => JSON.stringify({ ...localStorage }) + document.cookie);
    expect(kept).toBe("{}");
    expect(complaints).toEqual([]);
  });
});
