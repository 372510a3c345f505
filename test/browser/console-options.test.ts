import type { Browser, Locator } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { publish } from "../support/api.ts";
import { NODE, type Service, startService, WORKERD } from "../support/service.ts";
import { expectAccessible, launch, openPage, picture } from "./chromium.ts";
import {
  enterAdminKey,
  event,
  listedSubscriptions,
  press,
  responseToPost,
  subscribed,
} from "./console-page.ts";

/** Chromium's complaint about a response with status 400. */
const REFUSED = expect.stringContaining("status of 400");

describe.each([NODE, WORKERD])(
  "the options of a subscription in the console on $name",
  (runtime) => {
    let service: Service;
    let browser: Browser;
    beforeAll(async () => {
      [service, browser] = await Promise.all([startService(runtime), launch()]);
    });
    afterAll(async () => {
      await browser.close();
      await service.stop();
    });

    const openConsole = async () => {
      const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
      const { page, complaints } = await openPage(context, service.url);
      await enterAdminKey(page);
      return { context, page, complaints };
    };

    const selectionOf = (input: Locator) =>
      input.evaluate((element) => {
        const { selectionStart: start, selectionEnd: end } = element as HTMLInputElement;
        return { isFocused: element === document.activeElement, start, end };
      });

    it("shows why a key with options that can't be decoded is refused, and keeps the others", async () => {
      const { page, complaints, context } = await openConsole();
      const topic = page.getByRole("textbox", { name: "Topics" });
      await topic.fill("y");
      await subscribed(page);
      await topic.fill("x?options=%");
      await subscribed(page, 400);
      await page.locator("#topic-error", { hasText: "URI-encoded" }).waitFor();
      expect(await listedSubscriptions(page)).toEqual(["y"]);
      await publish(service.url, { topic: "y", data: { still: "here" } });
      await event(page, '"still":"here"').waitFor();
      await topic.fill("z");
      expect(await page.locator("#topic-error").textContent()).toBe("");
      await subscribed(page);
      expect(await listedSubscriptions(page)).toEqual(["y", "z"]);
      expect(complaints).toEqual([REFUSED]);
      await context.close();
    });

    it("subscribes with a filter and fields, and shows a record that leaves the selection", async () => {
      const { page, complaints, context } = await openConsole();
      await page.getByRole("textbox", { name: "Topics" }).fill("tasks/*");
      await page.getByText("Options", { exact: true }).click();
      await page.getByLabel("Filter", { exact: true }).fill("open = true");
      await page.getByLabel("Fields").fill("id, title");
      await page.getByLabel("Other options, JSON").fill('{"query":{"leave":true}}');
      const response = await subscribed(page);
      const query = { leave: true, filter: "open = true", fields: "id, title" };
      // As PocketBase's SDK encodes them.
      const key = `tasks/*?options=${encodeURIComponent(JSON.stringify({ query }))}`;
      expect(response.request().postDataJSON().subscriptions).toEqual([key]);
      const shownKey = `tasks/* ${JSON.stringify({ query })}`;
      expect(await listedSubscriptions(page)).toEqual([shownKey]);
      expect(await page.locator("#sdk").textContent()).toContain(
        `"tasks/*", console.log, ${JSON.stringify({ query })})`,
      );

      await page.getByText("Record event").click();
      await page.getByLabel("Collection").fill("tasks");
      const record = page.getByLabel("Record, JSON with an id");
      const publishButton = page.getByRole("button", { name: "Publish", exact: true });
      await record.fill('{"id":"t1","title":"a","open":true}');
      await publishButton.click();
      await event(page, '{"action":"create","record":{"id":"t1","title":"a"}}').waitFor();
      await page.getByLabel("Action").selectOption("update");
      await page.getByLabel("Previous record, JSON").fill('{"id":"t1","title":"a","open":true}');
      await record.fill('{"id":"t1","title":"a","open":false}');
      await publishButton.click();
      const left = event(page, '{"action":"leave","record":{"id":"t1"}}');
      await left.waitFor();
      expect(await left.locator(".name").textContent()).toBe("tasks/t1");
      await left.locator("summary").click();
      expect(await left.locator(".facts").textContent()).toContain(`Subscription${shownKey}Event`);
      await expectAccessible(page);
      await picture(page, `records-${runtime.name}`);
      await page.setViewportSize({ width: 375, height: 740 });
      const width = await page.evaluate(() => document.documentElement.scrollWidth);
      expect(width).toBeLessThanOrEqual(375);
      expect(complaints).toEqual([]);
      await context.close();
    });

    it("shows an error of a filter or of fields beside the input, and selects the text from its position", async () => {
      const { page, complaints, context } = await openConsole();
      await page.getByRole("textbox", { name: "Topics" }).fill("posts/*");
      await subscribed(page);
      // With the keyboard: from "Subscribe" to the options, into the filter.
      for (const key of ["Tab", "Enter", "Tab"]) await page.keyboard.press(key);
      const filter = page.getByLabel("Filter", { exact: true });
      await page.keyboard.type("open = 1 && title");
      await Promise.all([responseToPost(page, 400), page.keyboard.press("Enter")]);
      await page.locator("#filter-error", { hasText: "Invalid filter at position" }).waitFor();
      expect(await selectionOf(filter)).toMatchObject({ isFocused: true, end: 17 });
      expect(await filter.getAttribute("aria-invalid")).toBe("true");
      expect(await listedSubscriptions(page)).toEqual(["posts/*"]);
      await expectAccessible(page);
      await picture(page, `filter-error-${runtime.name}`);
      await filter.fill("open = 1");
      expect(await page.locator("#filter-error").textContent()).toBe("");
      expect(await filter.getAttribute("aria-invalid")).toBe("false");

      const fields = page.getByLabel("Fields");
      await fields.fill("id, title:upper");
      await subscribed(page, 400);
      await page.locator("#fields-error", { hasText: "at position 10" }).waitFor();
      expect(await selectionOf(fields)).toEqual({ isFocused: true, start: 10, end: 15 });
      expect(await page.locator("#filter-error").textContent()).toBe("");
      await fields.fill("id");
      await subscribed(page);
      expect(await page.locator("#fields-error").textContent()).toBe("");
      expect(await listedSubscriptions(page)).toHaveLength(2);
      expect(complaints).toEqual([REFUSED, REFUSED]);
      await context.close();
    });

    it("shows a filter's error after a disconnect, and resumes the other subscriptions", async () => {
      const { page, complaints, context } = await openConsole();
      await page.getByRole("textbox", { name: "Topics" }).fill("chat");
      await subscribed(page);
      await press(page, "Break");
      await page.getByText("Options", { exact: true }).click();
      await page.getByLabel("Filter", { exact: true }).fill("=");
      await press(page, "Subscribe");
      await publish(service.url, { topic: "chat", data: { sent: "meanwhile" } });
      await Promise.all([responseToPost(page, 400), press(page, "Resume")]);
      await page.locator("#filter-error", { hasText: "Invalid filter at position 0" }).waitFor();
      await event(page, '"recovered":true').waitFor();
      await event(page, '"sent":"meanwhile"').waitFor();
      expect(await listedSubscriptions(page)).toEqual(["chat"]);
      expect(complaints).toEqual([REFUSED]);
      await context.close();
    });

    it("explains other options that are not a JSON object", async () => {
      const { page, complaints, context } = await openConsole();
      await page.getByText("Options", { exact: true }).click();
      await page.getByLabel("Other options, JSON").fill("[]");
      await page.getByRole("button", { name: "Subscribe", exact: true }).click();
      await page.locator("#options-error", { hasText: "Write a JSON object" }).waitFor();
      await page.getByLabel("Other options, JSON").fill('{"query":{"leave":"perhaps"}}');
      expect(await page.locator("#options-error").textContent()).toBe("");
      await subscribed(page, 400);
      await page.locator("#options-error", { hasText: '"leave" must be true or false' }).waitFor();
      expect(await listedSubscriptions(page)).toEqual([]);
      expect(complaints).toEqual([REFUSED]);
      await context.close();
    });

    it("appends options with & to a topic that contains a question mark", async () => {
      const { page, complaints, context } = await openConsole();
      await page.getByRole("textbox", { name: "Topics" }).fill("search?q=1");
      await page.getByLabel("Replay last").fill("5");
      const response = await subscribed(page);
      const options = encodeURIComponent(JSON.stringify({ last: 5 }));
      expect(response.request().postDataJSON().subscriptions).toEqual([
        `search?q=1&options=${options}`,
      ]);
      await publish(service.url, { topic: "search?q=1", data: { found: 1 } });
      await event(page, '"found":1').waitFor();
      expect(await listedSubscriptions(page)).toEqual(['search?q=1 {"last":5}']);
      expect(complaints).toEqual([]);
      await context.close();
    });
  },
);
