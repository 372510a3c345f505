import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { publish } from "../support/api.ts";
import { eventually } from "../support/deadline.ts";
import { freePort } from "../support/free-port.mjs";
import { NODE, type Service, startService } from "../support/service.ts";
import { expectAccessible, launch, openPage } from "./chromium.ts";
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

describe("errors in the console", () => {
  let service: Service;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  beforeAll(async () => {
    [service, browser] = await Promise.all([startService(NODE), launch()]);
  });
  afterAll(async () => {
    await browser.close();
    await service.stop();
  });
  beforeEach(async () => {
    context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
    ({ page } = await openPage(context, service.url));
  });
  afterEach(() => context.close());

  const errorOf = (input: string) => page.locator(`#publish-${input}-error`);

  const fillData = (text: string) => page.locator("#publish [name=data]").fill(text);

  it("the absence of the service is shown in red, in words, and ends by itself", async () => {
    const env = { PORT: await freePort() };
    const own = await startService(NODE, { env });
    const { page } = await openPage(context, own.url);
    await enterAdminKey(page);
    await subscribeTo(page, "chat");
    const colour = () =>
      page.locator("#state-text").evaluate((element) => getComputedStyle(element).color);
    await state(page, "Connected");
    expect(await colour()).toBe("rgb(18, 122, 69)");
    await own.stop();
    await state(page, "No connection");
    expect(await colour()).toBe("rgb(180, 35, 24)");
    await page.locator("#stream-note", { hasText: "The service does not answer." }).waitFor();
    // The service has said when the page should come back.
    await event(page, "retry").waitFor();
    await press(page, "Publish");
    await page.locator("#answer", { hasText: "The service does not answer." }).waitFor();
    await openTab(page, "Clients");
    await page.locator("#clients-note", { hasText: "The service does not answer." }).waitFor();
    expect(await page.locator("body").textContent()).not.toContain("Failed to fetch");
    await expectAccessible(page);
    const again = await startService(NODE, { env });
    await state(page, "Connected");
    await page.locator("#clients-note", { hasText: "1 client" }).waitFor();
    await again.stop();
  });

  it("a connection that ends without a sign is found, because the heartbeats end", async () => {
    const own = await startService(NODE, { env: { REALTIME_PING_SECONDS: "1" } });
    const { page } = await openPage(context, own.url);
    await subscribeTo(page, "chat");
    await state(page, "Connected");
    // Each publish moves the position of the client, so that a heartbeat brings PB_CURSOR. The page learns the interval from two.
    const cursors = page.locator("#events .name", { hasText: "PB_CURSOR" });
    await eventually(async () => {
      await publish(own.url, { topic: "other", data: 1 });
      return (await cursors.count()) > 2;
    }, "heartbeats arrive");
    own.process.kill("SIGSTOP");
    await state(page, "No connection");
    own.process.kill("SIGCONT");
    await state(page, "Connected");
    await event(page, '"recovered":true').waitFor();
    await own.stop();
  });

  it("a key that is entered while the service is absent is checked when the service is back", async () => {
    const env = { PORT: await freePort() };
    const own = await startService(NODE, { env });
    const { page } = await openPage(context, own.url);
    await own.stop();
    await enterKey(page, "any-key-of-the-service", "The service does not answer.");
    const again = await startService(NODE, { env });
    await page.locator("#identity", { hasText: "The service does not accept this key." }).waitFor();
    await again.stop();
  });

  it("a refused topic does not stay as a chip, and the error beside the input names it once", async () => {
    const long = "x".repeat(2501);
    await subscribeTo(page, "chat");
    await subscribeTo(page, `one, ${long}, two`, 400);
    const shown = `${"x".repeat(60)}…: `;
    await page.locator("#topic-error", { hasText: shown }).waitFor();
    expect((await page.locator("#topic-error").textContent())?.split(shown)).toHaveLength(2);
    expect(await listedSubscriptions(page)).toEqual(["chat", "one", "two"]);
    await publish(service.url, { topic: "two", data: { still: "here" } });
    await event(page, '"still":"here"').waitFor();
  });

  it("an error of a field is shown at its input, and the name of the field once", async () => {
    await enterAdminKey(page);
    await page.locator("#publish [name=topic]").fill("");
    await page.getByLabel("Seconds to live").fill("0");
    await page.locator("#publish").evaluate((form: HTMLFormElement) => {
      form.noValidate = true;
    });
    await press(page, "Publish");
    await errorOf("topic").getByText("Cannot be blank.", { exact: true }).waitFor();
    expect(await errorOf("ttl").textContent()).toBe(
      "Must be a whole number of seconds from 1 to 31536000.",
    );
    expect(await page.locator("#answer").textContent()).toBe("");
    expect(await page.evaluate(() => document.activeElement?.getAttribute("name"))).toBe("topic");
    await page.locator("#publish [name=topic]").fill("chat");
    expect(await errorOf("topic").textContent()).toBe("");

    await page.getByText("Record event").click();
    await fillData("{}");
    await page.getByLabel("Seconds to live").fill("");
    await press(page, "Publish");
    await errorOf("data").getByText("id: Cannot be blank.", { exact: true }).waitFor();
  });

  it("a batch names the message that is wrong", async () => {
    await enterAdminKey(page);
    await page.getByText("Batch").click();
    await fillData('{"topic":"chat","data":1}');
    await press(page, "Publish");
    await errorOf("data").getByText("Write a list").waitFor();
    await fillData('[{"topic":"chat","data":1},{"topic":"","data":1}]');
    await press(page, "Publish");
    await errorOf("data")
      .getByText("Message 2: topic: Cannot be blank.", { exact: true })
      .waitFor();
  });

  it("a guest who publishes reads what to do", async () => {
    await press(page, "Publish");
    await page
      .locator("#answer")
      .getByText("Publishing needs the admin key, or a token with the right to publish.")
      .waitFor();
    await expectAccessible(page);
  });

  it("a message to a topic error is a message, and not an error of the connection", async () => {
    await subscribeTo(page, "error, open");
    await state(page, "Connected");
    await publish(service.url, { topic: "error", data: { is: "a message" } });
    await event(page, '"is":"a message"').waitFor();
    expect(await event(page, '"is":"a message"').locator(".name").textContent()).toBe("error");
    expect(await page.locator("#state-text").textContent()).toBe("Connected");
    expect(await event(page, "PB_RESUME").count()).toBe(0);
  });
});
