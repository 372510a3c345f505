import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ADMIN_KEY, publish } from "../support/api.ts";
import { eventually } from "../support/deadline.ts";
import { NODE, type Service, startService, WORKERD } from "../support/service.ts";
import { expectAccessible, launch, openPage, picture } from "./chromium.ts";
import { event, subscribed } from "./console-page.ts";

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

  it("connects, subscribes, publishes, resumes after a disconnect, and administrates", async () => {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
    const { page, complaints } = await openPage(context, service.url);
    await page.getByLabel("Admin key or token").fill(ADMIN_KEY);
    await page.getByRole("button", { name: "Connect", exact: true }).click();
    await page.getByText("connected", { exact: true }).waitFor();
    expect(await page.locator("#client-id").textContent()).toMatch(/^0-/);
    await subscribed(page);
    await page.locator("#subscriptions li").waitFor();
    await page.getByRole("button", { name: "Publish", exact: true }).click();
    await event(page, '"text":"hello"').waitFor();
    expect(await page.locator("#curl").textContent()).toContain("/api/realtime/messages");
    expect(await page.locator("#curl").textContent()).not.toContain(ADMIN_KEY);

    // A message that is published during the disconnect arrives after the reconnect.
    await page.getByRole("button", { name: "Simulate a disconnect" }).click();
    await page.getByLabel("Data, JSON").fill('{"text":"meanwhile"}');
    await page.getByRole("button", { name: "Publish", exact: true }).click();
    await page.getByText(/^Accepted: /).waitFor();
    await event(page, '"text":"meanwhile"').waitFor();
    await event(page, '"recovered":true,"replayed":1').waitFor();
    await page.getByText("connected", { exact: true }).waitFor();

    await page.getByRole("button", { name: "Read the history of the topic" }).click();
    await event(page, "history: chat").waitFor();
    await page.getByText('Topic rule 0: {"match":"chat","keep":5}').waitFor();
    await page.getByLabel("Filter events").fill("meanwhile");
    expect(await page.locator("#events li:visible").count()).toBe(2);
    await page.getByLabel("Filter events").fill("");
    await event(page, "meanwhile").locator("summary").click();
    await event(page, "meanwhile").locator("pre").waitFor();

    await page.getByRole("button", { name: "List clients" }).click();
    await page.locator("#clients li").waitFor();
    await page.locator("#stats dd").first().waitFor({ timeout: 10_000 });
    await expectAccessible(page);
    await picture(page, `console-${runtime.name}`);
    await page.getByRole("button", { name: /^Disconnect 0-/ }).click();
    await page.getByText(/^(not connected|disconnected, reconnecting)$/).waitFor();
    expect(complaints).toEqual([]);
    await context.close();
  });

  it("publishes a record event, and explains invalid data", async () => {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
    const { page, complaints } = await openPage(context, service.url);
    await page.getByLabel("Admin key or token").fill(ADMIN_KEY);
    await page.getByLabel("Topic").first().fill("posts/*");
    await subscribed(page);
    await page.getByText("connected", { exact: true }).waitFor();
    await page.getByText("Record event").click();
    await page.getByLabel("Record, JSON with an id").fill('{"id":"r1","title":"a"}');
    await page.getByRole("button", { name: "Publish", exact: true }).click();
    await event(page, '"action":"create"').waitFor();
    await page.getByLabel("Record, JSON with an id").fill("{");
    await page.getByRole("button", { name: "Publish", exact: true }).click();
    await page.getByText(/^The data is not JSON/).waitFor();
    expect(complaints).toEqual([]);
    await context.close();
  });

  it("links to a page of the HTTP API", async () => {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
    const { page, complaints } = await openPage(context, service.url);
    await page.getByRole("link", { name: "HTTP API" }).click();
    await page.getByRole("heading", { name: "POST /api/realtime/messages" }).waitFor();
    expect(await page.getByRole("heading", { level: 2 }).count()).toBeGreaterThan(12);
    await expectAccessible(page);
    expect(complaints).toEqual([]);
    await context.close();
  });

  it("keeps its subscriptions through a disconnect and a restart, whatever their names", async () => {
    const port = runtime === NODE ? "18451" : "18452";
    const own = await startService(runtime, { env: { PORT: port } });
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
    const { page } = await openPage(context, own.url);
    const subscribe = async (topic: string) => {
      await page.getByLabel("Topic").first().fill(topic);
      await page.getByRole("button", { name: "Subscribe", exact: true }).click();
    };
    await subscribe("100%");
    await page.getByText("connected", { exact: true }).waitFor();
    await page.getByRole("button", { name: "Simulate a disconnect" }).click();
    await event(page, '"recovered":true').waitFor();
    await subscribe("later");
    await own.stop();
    await page.getByText("disconnected, reconnecting").waitFor();
    const again = await startService(runtime, { env: { PORT: port } });
    await page.getByText("connected", { exact: true }).waitFor();
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
    // The first Tab reaches the link in the header.
    for (const key of ["Tab", "Tab", "Enter"]) await page.keyboard.press(key);
    await page.getByText("connected", { exact: true }).waitFor();
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    expect(width).toBeLessThanOrEqual(375);
    await expectAccessible(page);
    await picture(page, `phone-${runtime.name}`);
    expect(complaints).toEqual([]);
    await context.close();
  });
});
