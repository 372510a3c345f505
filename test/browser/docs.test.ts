import { execFileSync } from "node:child_process";
import { type Browser, type BrowserContextOptions, devices } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ADMIN_KEY } from "../support/api.ts";
import { NODE, type Service, startService } from "../support/service.ts";
import { expectAccessible, launch, openPage } from "./chromium.ts";

describe("the page of the HTTP API", () => {
  let service: Service;
  let browser: Browser;
  beforeAll(async () => {
    service = await startService(NODE);
    browser = await launch();
  });
  afterAll(async () => {
    await browser.close();
    await service.stop();
  });

  const open = async (options: BrowserContextOptions = {}, hash = "") => {
    const context = await browser.newContext(options);
    const { page, complaints } = await openPage(context, `${service.url}/api/docs${hash}`);
    return { context, page, complaints };
  };

  const LOOKS: [name: string, options: BrowserContextOptions][] = [
    ["desktop", { viewport: { width: 1280, height: 900 }, colorScheme: "light" }],
    ["desktop-dark", { viewport: { width: 1280, height: 900 }, colorScheme: "dark" }],
    ["phone", { ...devices["iPhone 13"], colorScheme: "light" }],
    ["phone-dark", { ...devices["iPhone 13"], colorScheme: "dark" }],
  ];

  it.each(LOOKS)(
    "is accessible, fits the window and requests nothing else: %s",
    async (name, options) => {
      const context = await browser.newContext(options);
      const requests: string[] = [];
      context.on("request", (request) => requests.push(request.url()));
      const { page, complaints } = await openPage(context, `${service.url}/api/docs`);
      await page.screenshot({ path: `.cache/browser/docs-${name}.png` });
      await page.evaluate(() => document.querySelector("#publish")?.scrollIntoView());
      await page.screenshot({ path: `.cache/browser/docs-${name}-publish.png` });
      await expectAccessible(page);
      const widths = await page.evaluate(() => [
        document.documentElement.scrollWidth,
        document.documentElement.clientWidth,
      ]);
      expect(widths[0]).toBeLessThanOrEqual(widths[1] ?? 0);
      expect(complaints).toEqual([]);
      expect(requests).toEqual([`${service.url}/api/docs`]);
      await context.close();
    },
  );

  it("shows every operation and schema of the document once, each with an anchor", async () => {
    const { context, page } = await open();
    const document = await (await fetch(`${service.url}/api/openapi.json`)).json();
    const paths: Record<string, Record<string, { operationId: string }>> = document.paths;
    const operations = Object.values(paths).flatMap((methods) => Object.values(methods));
    const ids = [
      ...operations.map(({ operationId }) => operationId),
      ...Object.keys(document.webhooks).map((name) => `callback-${name}`),
      ...Object.keys(document.components.schemas).map((name) => `schema-${name}`),
    ];
    const sections = await page.locator("main section").all();
    const found = await Promise.all(sections.map((section) => section.getAttribute("id")));
    expect(found.sort()).toEqual(ids.sort());
    const targets = await page
      .locator("a[href^='#']")
      .evaluateAll((links) => links.map((link) => link.getAttribute("href")?.slice(1) ?? ""));
    for (const target of new Set(targets)) {
      expect([target, await page.locator(`[id="${target}"]`).count()]).toEqual([target, 1]);
    }
    await context.close();
  });

  it("renders the descriptions, the fields and the examples of an operation", async () => {
    const { context, page } = await open();
    const publish = page.locator("#publish");
    expect(await publish.locator("h3").innerText()).toContain("POST");
    await publish.getByText("Either all messages of a list are published or none.").waitFor();
    await publish.getByRole("link", { name: "RecordEvent" }).first().waitFor();
    const example = publish.getByRole("region", { name: /^Example of the request/ });
    expect(JSON.parse(await example.innerText())).toEqual({
      topic: "chat",
      data: { text: "hello" },
    });
    expect(await page.locator("#history code", { hasText: "after" }).count()).toBeGreaterThan(0);
    expect(await page.locator("main").innerText()).not.toMatch(/`|\*\*/);
    await context.close();
  });

  it("has a command for each request, which runs as it is", async () => {
    const { context, page } = await open();
    const commands = page.locator("#publish pre", { hasText: "curl" });
    const output = execFileSync("bash", ["-c", `${await commands.innerText()} -s`], {
      env: { PATH: process.env.PATH, REALTIME_ADMIN_KEY: ADMIN_KEY },
      encoding: "utf8",
    });
    expect(JSON.parse(output)).toEqual({ id: expect.any(String) });
    await context.close();
  });

  it("scrolls to the anchor of its address, and marks it in the contents", async () => {
    const { context, page } = await open({ viewport: { width: 1280, height: 900 } }, "#history");
    const top = () => page.locator("#history").evaluate((it) => it.getBoundingClientRect().top);
    expect(await top()).toBeLessThan(300);
    expect(await page.locator("#contents [aria-current]").getAttribute("href")).toBe("#history");
    await page.getByRole("link", { name: "Stats", exact: true }).first().click();
    expect(new URL(page.url()).hash).toBe("#schema-Stats");
    expect(await page.locator("#contents [aria-current]").getAttribute("href")).toBe(
      "#schema-Stats",
    );
    await context.close();
  });

  it("is used with the keyboard, and leads back to the console", async () => {
    const { context, page } = await open();
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    expect(await page.evaluate(() => document.activeElement?.id)).toBe("top");
    await page.getByRole("link", { name: "Console" }).click();
    await page.waitForURL(`${service.url}/`);
    expect(await page.title()).toBe("Pocketwire console");
    await context.close();
  });
});
