import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { publish } from "../support/api.ts";
import { closeClients } from "../support/clients.ts";
import { NODE, type Service, startService } from "../support/service.ts";
import { openStream } from "../support/sse-client.ts";
import { bearer, JWT_SECRET, tokenFor } from "../support/tokens.ts";
import { expectAccessible, launch, openPage, picture } from "./chromium.ts";
import {
  enterAdminKey,
  expectNoOverflow,
  focused,
  openTab,
  press,
  subscribeTo,
} from "./console-page.ts";

describe("the lists of the console", () => {
  let service: Service;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  let complaints: string[];
  beforeAll(async () => {
    const env = { REALTIME_JWT_SECRET: JWT_SECRET };
    [service, browser] = await Promise.all([startService(NODE, { env }), launch()]);
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
    closeClients();
    expect(complaints).toEqual([]);
    await context.close();
  });

  const join = async (user: string | undefined, topic: string) =>
    openStream(
      service.url,
      user === undefined ? {} : { headers: bearer(await tokenFor(user)) },
      `?topic=${topic}`,
    );

  it("say what will appear while they are empty, and who may see them", async () => {
    const pages = {
      Topics: "Topics with a subscription appear here",
      Clients: "Open streams appear here",
      Traffic: "The counts of the service appear here",
      Callbacks: "Requests of the service to your backend",
      Token: "The signed token and its claims appear here",
    };
    for (const [name, text] of Object.entries(pages)) {
      await openTab(page, name);
      await page.getByText(text).waitFor();
      await expectAccessible(page);
    }
    await openTab(page, "Clients");
    await page
      .locator("#clients-note", { hasText: "Enter the admin key above to see this list." })
      .waitFor();
    // The list is loaded as soon as there is a key.
    await enterAdminKey(page);
    await page.locator("#clients-note", { hasText: "0 clients" }).waitFor();
  });

  it("page through the history of a topic, with the time of each message, and do not count it", async () => {
    const messages = Array.from({ length: 25 }, (_, n) => ({ topic: "old", data: { n } }));
    await publish(service.url, messages);
    await openTab(page, "Topics");
    await page.getByLabel("Topic to open").fill("old");
    await press(page, "Open");
    await page.getByText("20 messages, newest first", { exact: true }).waitFor();
    const times = await page
      .locator("#history time")
      .evaluateAll((all) => all.map((time) => Date.parse(time.getAttribute("datetime") ?? "")));
    const { messages: kept } = await (
      await fetch(`${service.url}/api/realtime/messages?topic=old`)
    ).json();
    expect(times[0]).toBe(Date.parse(kept.at(-1).at));
    await press(page, "Older messages");
    await page.getByText("25 messages, newest first. The history has no older messages.").waitFor();
    const texts = await page.locator("#history .preview").allTextContents();
    expect(texts).toEqual(messages.toReversed().map(({ data }) => JSON.stringify(data)));
    // The focus is on the first of the older messages.
    expect(await focused(page)).toContain('{"n":4}');
    expect(await page.locator("#older").isVisible()).toBe(false);
    await page.locator("#history summary").first().click();
    await page.locator("#history pre").first().waitFor();
    // What is published later is added by itself, and an open message stays open.
    await publish(service.url, { topic: "old", data: "newer" });
    await page.getByText("26 messages, newest first. The history has no older messages.").waitFor();
    expect(await page.locator("#history .preview").first().textContent()).toBe('"newer"');
    expect(await page.locator("#history details[open]").count()).toBe(1);
    await expectAccessible(page);
    await openTab(page, "Traffic");
    await page.getByLabel(/^This page, events received per second.*at most 0$/).waitFor();
    await openTab(page, "Live");
    expect(await page.locator("#counts").textContent()).toBe("0 events");
  });

  it("search and page through clients, and disconnect one", async () => {
    for (let n = 0; n < 55; n++) await join(undefined, `room/${n}`);
    // A search for a short name would find some of the random client ids too.
    const bob = await join("bob@example.org", "chat");
    await enterAdminKey(page);
    await openTab(page, "Clients");
    await page.getByText("50 clients, and more", { exact: true }).waitFor();
    await press(page, "More clients");
    await page.getByText("56 clients", { exact: true }).waitFor();
    expect(await page.locator("#clients tbody tr").count()).toBe(56);
    await page.getByLabel("Search clients").fill("BOB@EXAMPLE");
    await page.getByText("1 client among the first 56", { exact: true }).waitFor();
    expect(await page.locator("#clients tbody td").nth(1).textContent()).toBe("bob@example.org");
    await picture(page, "console-clients");
    await press(page, `Disconnect ${bob.clientId}`);
    expect(await bob.ended).toBe("end");
    await page.getByText("0 clients among the first 55", { exact: true }).waitFor();
    expect(await focused(page)).toBe("h-clients");
    // The list is loaded again by itself.
    await join("bob@example.org", "chat");
    await page.getByText("1 client among the first 56", { exact: true }).waitFor();
  });

  it("revoke a user, if the operator confirms it", async () => {
    const [one, two, other] = [
      await join("anna", "a"),
      await join("anna", "b"),
      await join("ben", "a"),
    ];
    await enterAdminKey(page);
    await openTab(page, "Clients");
    const revoke = page.getByRole("button", { name: `Revoke anna, ${one.clientId}` });
    await revoke.click();
    await page.getByRole("dialog", { name: "Revoke anna?" }).waitFor();
    await expectAccessible(page);
    await page.keyboard.press("Escape");
    // The focus is back, and nothing has happened.
    expect(await focused(page)).toBe(`Revoke anna, ${one.clientId}`);
    await page.getByText("3 clients", { exact: true }).waitFor();
    await revoke.click();
    await page.getByRole("dialog").getByRole("button", { name: "Revoke" }).click();
    await page.getByText("Revoked anna: 2 streams ended.").waitFor();
    expect(await Promise.all([one.ended, two.ended])).toEqual(["end", "end"]);
    await page.getByText("1 client", { exact: true }).waitFor();
    expect(await page.locator("#clients tbody tr").textContent()).toContain(other.clientId);
  });

  it("show the traffic in charts with axes, each with one unit", async () => {
    await enterAdminKey(page);
    await subscribeTo(page, "chat");
    await publish(
      service.url,
      [1, 2, 3].map((data) => ({ topic: "chat", data })),
    );
    await openTab(page, "Traffic");
    const figures = page.locator("figure");
    expect(await figures.locator("figcaption").allInnerTexts()).toHaveLength(4);
    for (const unit of ["events received per second", "messages per second", "open streams"]) {
      await page
        .getByLabel(new RegExp(`, ${unit}[^:]*: now \\d+, at most [1-9]`))
        .first()
        .waitFor();
    }
    for (const figure of await figures.all()) {
      expect(await figure.locator("polyline").count()).toBe(1);
      const scale = await figure.locator(".scale span").allTextContents();
      expect(Number(scale[0])).toBe(2 * Number(scale[1]));
      expect(scale[2]).toBe("0");
      expect(await figure.locator(".times span").allTextContents()).toEqual([
        "60 s ago",
        "30 s",
        "now",
      ]);
    }
    await expectAccessible(page);
  });

  it("fit a phone, in light and in dark", async () => {
    await join("anna", `a-topic-with-a-very-long-name/${"x".repeat(80)}`);
    await enterAdminKey(page);
    await page.setViewportSize({ width: 390, height: 844 });
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      for (const name of ["Live", "Topics", "Clients", "Traffic", "Callbacks", "Token"]) {
        await openTab(page, name);
        if (name === "Topics") await page.locator("#topics li").first().waitFor();
        if (name === "Clients") await page.locator("#clients tbody tr").first().waitFor();
        await expectNoOverflow(page);
        await expectAccessible(page);
        await picture(page, `phone-${name}-${colorScheme}`);
      }
    }
  });
});
