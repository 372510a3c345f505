import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { publish } from "../support/api.ts";
import { eventually } from "../support/deadline.ts";
import { NODE, type Service, startService } from "../support/service.ts";
import { expectAccessible, launch, openPage } from "./chromium.ts";
import {
  enterAdminKey,
  event,
  focused,
  listedSubscriptions,
  press,
  state,
  subscribeTo,
} from "./console-page.ts";

describe("the page Live of the console", () => {
  let service: Service;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  let complaints: string[];
  beforeAll(async () => {
    [service, browser] = await Promise.all([startService(NODE), launch()]);
  });
  afterAll(async () => {
    await browser.close();
    await service.stop();
  });
  beforeEach(async () => {
    context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
    ({ page, complaints } = await openPage(context, service.url));
  });
  afterEach(async () => {
    expect(complaints).toEqual([]);
    await context.close();
  });

  const isDone = (step: string) =>
    page.locator(`#step-${step}`).evaluate((item) => item.classList.contains("done"));

  it("says at first what to do, in three steps, and what will appear", async () => {
    expect(await page.locator("#steps li").count()).toBe(3);
    await page.getByText("No events yet.").waitFor();
    await page.getByText("No subscriptions yet. They appear here.").waitFor();
    await expectAccessible(page);
    await enterAdminKey(page);
    await subscribeTo(page, "chat");
    await eventually(() => isDone("subscribe"), "the first step is done");
    expect(await isDone("publish")).toBe(false);
    await press(page, "Publish");
    await eventually(() => isDone("publish"), "the second step is done");
    await press(page, "Break");
    expect(await isDone("resume")).toBe(false);
    await press(page, "Resume");
    await eventually(() => isDone("resume"), "the third step is done");
    await press(page, "Hide");
    expect(await page.locator("#steps").isVisible()).toBe(false);
    expect(await focused(page)).toBe("connect");
  });

  it("subscribes to several topics at once, also with spaces and commas in them", async () => {
    await subscribeTo(page, "chat, my topic,news/*,  a\\,b ");
    expect(await listedSubscriptions(page)).toEqual(["chat", "my topic", "news/*", "a,b"]);
    for (const topic of ["my topic", "a,b", "news/1"]) {
      await publish(service.url, { topic, data: { to: topic } });
      await event(page, `"to":"${topic}"`).waitFor();
    }
    // The focus goes to the next chip, and from the last one to the one before.
    await press(page, "Unsubscribe from my topic");
    expect(await focused(page)).toBe("Unsubscribe from news/*");
    await press(page, "Unsubscribe from a,b");
    expect(await focused(page)).toBe("Unsubscribe from news/*");
    expect(await listedSubscriptions(page)).toEqual(["chat", "news/*"]);
  });

  it("keeps what arrives during a pause, and says how many events are new", async () => {
    await subscribeTo(page, "chat");
    await event(page, "PB_CONNECT").waitFor();
    await press(page, "Pause");
    for (const text of ["one", "two"])
      await publish(service.url, { topic: "chat", data: { text } });
    await page.getByRole("button", { name: "Continue (2 new)" }).waitFor();
    expect(await page.locator("#events > li").count()).toBe(1);
    await page.getByRole("button", { name: "Continue (2 new)" }).click();
    await event(page, '"two"').waitFor();
    expect(await page.locator("#events .name").allTextContents()).toEqual([
      "chat",
      "chat",
      "PB_CONNECT",
    ]);
    expect(await page.locator("#counts").textContent()).toBe("3 events");
    await page.getByRole("button", { name: "Pause" }).waitFor();
  });

  it("shows the parts of an event, and hides the events of the service on demand", async () => {
    await subscribeTo(page, "news/*");
    await publish(service.url, { topic: "news/1", id: "order-17", data: { text: "hello" } });
    const item = event(page, '"hello"');
    await item.locator("summary").click();
    const facts = await item.locator(".facts").allInnerTexts();
    expect(facts[0]?.replaceAll(/\s+/g, " ")).toMatch(
      /^Topic news\/1 Subscription news\/\* Event news\/\* Event id 0-\S+ Message id order-17 Published \S+Z Received \S+Z$/,
    );
    await expectAccessible(page);
    await page.getByLabel("Service events").uncheck();
    await page.getByText("2 events, 1 hidden").waitFor();
    expect(await page.locator("#events > li:visible").count()).toBe(1);
  });

  it("publishes a private message, an id once, a lifetime and a batch", async () => {
    await enterAdminKey(page);
    await subscribeTo(page, "chat");
    await page.getByLabel("Message id").fill("order-1");
    await page.getByLabel("Seconds to live").fill("60");
    await page.getByRole("checkbox", { name: "Private" }).check();
    const [request] = await Promise.all([
      page.waitForRequest(/\/messages$/),
      press(page, "Publish"),
    ]);
    expect(request.postDataJSON()).toEqual({
      topic: "chat",
      data: { text: "hello" },
      id: "order-1",
      ttl: 60,
      private: true,
    });
    await page.getByText("Accepted: order-1").waitFor();
    await press(page, "Publish");
    await page.getByText("Accepted before: order-1. The message is not delivered again.").waitFor();
    await page.getByText("Batch").click();
    await press(page, "Publish");
    await page.getByText("Accepted: 2 messages").waitFor();
    await event(page, '"two"').waitFor();
    expect(await page.locator("#events > li", { hasText: '"hello"' }).count()).toBe(1);
  });

  it("does not move what the user looks at", async () => {
    // On the page, and not in the window: a press scrolls to its button.
    const places = () =>
      page.evaluate(() =>
        ["#steps", "#connect", "#subscribe", "#publish", "#answer", "#events", "#curl"].map(
          (selector) => {
            const box = document.querySelector(selector)?.getBoundingClientRect();
            return [selector, (box?.top ?? Number.NaN) + scrollY];
          },
        ),
      );
    const first = await places();
    await enterAdminKey(page);
    expect(await places()).toEqual(first);
    await subscribeTo(page, "chat");
    await event(page, "PB_CONNECT").waitFor();
    expect(await places()).toEqual(first);
    await press(page, "Publish");
    await page.getByText(/^Accepted: /).waitFor();
    expect(await places()).toEqual(first);
    await press(page, "Break");
    expect(await places()).toEqual(first);
    await press(page, "Resume");
    await event(page, '"recovered":true').waitFor();
    expect(await places()).toEqual(first);
  });

  it("says after a break whether messages are missing", async () => {
    const own = await startService(NODE, { env: { REALTIME_HISTORY_MESSAGES: "5" } });
    const { page } = await openPage(context, own.url);
    await subscribeTo(page, "chat");
    for (const [published, note] of [
      [3, "Resumed: 3 messages replayed, none is missing."],
      [6, "Messages may be missing: the history is too short."],
    ] as const) {
      await event(page, "PB_CONNECT").waitFor();
      await press(page, "Break");
      const messages = Array.from({ length: published }, (_, n) => ({ topic: "chat", data: n }));
      for (const message of messages) await publish(own.url, message);
      await press(page, "Resume");
      await page.locator("#stream-note", { hasText: note }).waitFor();
    }
    await own.stop();
  });

  it("stays usable while many messages arrive, and keeps the newest 500", async () => {
    await subscribeTo(page, "flood");
    const batch = (from: number) =>
      Array.from({ length: 1000 }, (_, n) => ({ topic: "flood", data: { n: from + n } }));
    for (let from = 0; from < 10_000; from += 1000) await publish(service.url, batch(from));
    await event(page, '{"n":9999}').waitFor();
    await page.getByText("10,001 events, the newest 500 are listed").waitFor();
    const texts = await page.locator("#events .preview").allTextContents();
    const expected = Array.from({ length: 500 }, (_, n) => JSON.stringify({ n: 9999 - n }));
    expect(texts).toEqual(expected);
    await page.getByLabel("Search events").fill('"n":9999');
    await page.getByText("499 hidden").waitFor();
  });

  it("stays broken until the user resumes, whatever else happens", async () => {
    await subscribeTo(page, "chat");
    await press(page, "Break");
    await state(page, "Broken");
    expect(await page.locator("#break").textContent()).toBe("Resume");
    expect(await page.evaluate(() => document.activeElement?.id)).toBe("break");
    // A new key, and a subscription, wait for the user too.
    await enterAdminKey(page);
    await page.getByRole("textbox", { name: "Topics" }).fill("later");
    await press(page, "Subscribe");
    expect(await page.locator("#subscriptions .pending").textContent()).toBe("later×");
    expect(await page.locator("#state-text").textContent()).toBe("Broken");
    await press(page, "Resume");
    await event(page, '"recovered":true').waitFor();
    expect(await page.locator("#subscriptions .pending").count()).toBe(0);
    await publish(service.url, { topic: "later", data: { to: "both" } });
    await event(page, '"to":"both"').waitFor();
  });
});
