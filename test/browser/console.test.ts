import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ADMIN_KEY, publish } from "../support/api.ts";
import { eventually } from "../support/deadline.ts";
import { NODE, type Service, startService, WORKERD } from "../support/service.ts";
import { expectAccessible, launch, openPage, picture } from "./chromium.ts";
import {
  enterAdminKey,
  event,
  expectNoOverflow,
  focused,
  listedSubscriptions,
  openTab,
  press,
  state,
  subscribeTo,
} from "./console-page.ts";

describe.each([NODE, WORKERD])("the console on $name, in Chromium", (runtime) => {
  let service: Service;
  let browser: Browser;
  beforeAll(async () => {
    const env = { REALTIME_TOPICS: '[{"match":"chat","keep":5}]' };
    [service, browser] = await Promise.all([startService(runtime, { env }), launch()]);
  });
  afterAll(async () => {
    await browser.close();
    await service.stop();
  });

  it("connects, subscribes, publishes, resumes after a break, and administrates", async () => {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
    const { page, complaints } = await openPage(context, service.url);
    await enterAdminKey(page);
    await press(page, "Connect");
    await state(page, "Connected");
    expect(await page.locator("#client-id").textContent()).toMatch(/^0-/);
    await subscribeTo(page, "chat");
    expect(await listedSubscriptions(page)).toEqual(["chat"]);
    await press(page, "Publish");
    await event(page, '"text":"hello"').waitFor();
    expect(await page.locator("#curl").textContent()).toContain("/api/realtime/messages");
    expect(await page.locator("#curl").textContent()).not.toContain(ADMIN_KEY);

    // What is published during the break arrives after it. The break lasts until the user ends it.
    await press(page, "Break");
    await state(page, "Broken");
    await page.getByLabel("Data, JSON").fill('{"text":"meanwhile"}');
    await press(page, "Publish");
    await page.getByText(/^Accepted: /).waitFor();
    expect(await event(page, '"text":"meanwhile"').count()).toBe(0);
    await press(page, "Resume");
    await event(page, '"text":"meanwhile"').waitFor();
    await event(page, '"recovered":true,"replayed":1').waitFor();
    await state(page, "Connected");

    await page.getByLabel("Search events").fill("meanwhile");
    expect(await page.locator("#events > li:visible").count()).toBe(1);
    await page.getByText(/ hidden$/).waitFor();
    await page.getByLabel("Search events").fill("");
    await event(page, "meanwhile").locator("summary").click();
    await event(page, "meanwhile").locator("pre").waitFor();
    await expectAccessible(page);
    await picture(page, `console-${runtime.name}`);

    await openTab(page, "Topics");
    await press(page, "Open chat");
    await page.getByText('Topic rule 0: {"match":"chat","keep":5}').waitFor();
    await page.locator("#history li", { hasText: "meanwhile" }).waitFor();
    await openTab(page, "Traffic");
    await page.locator("#stats dd").first().waitFor();
    await expectAccessible(page);
    await openTab(page, "Clients");
    await page.getByRole("button", { name: /^Disconnect 0-/ }).click();
    // The page reconnects and resumes by itself.
    await openTab(page, "Live");
    await event(page, '"recovered":true,"replayed":0').waitFor();
    await state(page, "Connected");
    expect(complaints).toEqual([]);
    await context.close();
  });

  it("publishes a record event, and explains invalid data", async () => {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
    const { page, complaints } = await openPage(context, service.url);
    await enterAdminKey(page);
    await subscribeTo(page, "posts/*");
    await state(page, "Connected");
    await page.getByText("Record event").click();
    await page.getByLabel("Record, JSON with an id").fill('{"id":"r1","title":"a"}');
    await press(page, "Publish");
    await event(page, '"action":"create"').waitFor();
    expect(await event(page, '"action":"create"').locator(".kind").textContent()).toBe("create");
    await page.getByLabel("Record, JSON with an id").fill("{");
    await press(page, "Publish");
    await page.locator("#publish-data-error", { hasText: "This is not JSON." }).waitFor();
    expect(await page.evaluate(() => document.activeElement?.getAttribute("name"))).toBe("data");
    expect(complaints).toEqual([]);
    await context.close();
  });

  it("links to a page of the HTTP API", async () => {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
    const { page, complaints } = await openPage(context, service.url);
    await page.getByRole("link", { name: "HTTP API" }).click();
    // Each operation has a heading (docs.test.ts has the rest of that page).
    await page.getByRole("heading", { level: 3, name: "/api/realtime/messages" }).first().waitFor();
    expect(await page.getByRole("heading", { level: 3 }).count()).toBeGreaterThan(12);
    expect(new URL(page.url()).pathname).toBe("/api/docs");
    await expectAccessible(page);
    expect(complaints).toEqual([]);
    await context.close();
  });

  it("keeps its subscriptions through a disconnect and a restart, whatever their names", async () => {
    const port = runtime === NODE ? "18451" : "18452";
    const own = await startService(runtime, { env: { PORT: port } });
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
    const { page } = await openPage(context, own.url);
    await subscribeTo(page, "100%");
    await state(page, "Connected");
    await press(page, "Break");
    await press(page, "Resume");
    await event(page, '"recovered":true').waitFor();
    await subscribeTo(page, "later");
    await own.stop();
    await state(page, "No connection");
    const again = await startService(runtime, { env: { PORT: port } });
    await state(page, "Connected");
    for (const topic of ["100%", "later"]) {
      await eventually(async () => {
        await publish(again.url, { topic, data: { to: topic } });
        return (await event(page, `"to":"${topic}"`).count()) > 0;
      }, `a message to ${topic}`);
    }
    await context.close();
    await again.stop();
  });

  it("works with the keyboard alone, on a phone and in dark mode", async () => {
    const context = await browser.newContext({
      viewport: { width: 375, height: 740 },
      colorScheme: "dark",
    });
    const { page, complaints } = await openPage(context, service.url);
    const tabTo = async (name: string) => {
      await eventually(async () => {
        await page.keyboard.press("Tab");
        return (await focused(page)) === name;
      }, `Tab reaches ${name}`);
    };
    await tabTo("connect");
    await page.keyboard.press("Enter");
    await state(page, "Connected");
    await expectNoOverflow(page);
    await expectAccessible(page);
    await picture(page, `phone-${runtime.name}`);
    expect(complaints).toEqual([]);
    await context.close();
  });
});
