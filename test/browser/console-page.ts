/** What tests of the console do on its page. */
import type { Locator, Page } from "playwright-core";
import { expect } from "vitest";
import { ADMIN_KEY } from "../support/api.ts";

/** Enters the admin key, and waits until the service has accepted it. */
export async function enterAdminKey(page: Page): Promise<void> {
  await enterKey(page, ADMIN_KEY, "Admin: may do everything");
}

/** @param identity What the header says about the key. */
export async function enterKey(page: Page, key: string, identity: string | RegExp): Promise<void> {
  await page.getByLabel("Admin key or token").fill(key);
  await page.getByLabel("Admin key or token").press("Enter");
  await page.locator("#identity", { hasText: identity }).waitFor();
}

/** Opens a page of the console by its link in the header. */
export async function openTab(page: Page, name: string): Promise<void> {
  const links = page.getByRole("navigation", { name: "Console" });
  await links.getByRole("link", { name }).click();
  // The browser reports the new address a moment after the click.
  await links.locator("[aria-current=page]", { hasText: name }).waitFor();
}

/** Waits for the state of the stream in the header. */
export async function state(page: Page, text: string): Promise<void> {
  await page.locator("#state-text").getByText(text, { exact: true }).waitFor();
}

/** Fills the topics of the form, presses "Subscribe" and waits for the response. */
export async function subscribeTo(page: Page, topics: string, status = 204) {
  await page.getByRole("textbox", { name: "Topics" }).fill(topics);
  return subscribed(page, status);
}

/** Presses "Subscribe" and waits for the response. */
export async function subscribed(page: Page, status = 204) {
  const [response] = await Promise.all([
    responseToPost(page, status),
    page.getByRole("button", { name: "Subscribe", exact: true }).click(),
  ]);
  return response;
}

export function responseToPost(page: Page, status: number) {
  return page.waitForResponse(
    (answer) => answer.request().method() === "POST" && answer.status() === status,
  );
}

/** Presses a button that has exactly this name. */
export async function press(page: Page, name: string): Promise<void> {
  await page.getByRole("button", { name, exact: true }).click();
}

/** The newest event in the list that contains a text. */
export function event(page: Page, text: string): Locator {
  return page.locator("#events > li").filter({ hasText: text }).first();
}

/** The subscriptions in the list. */
export async function listedSubscriptions(page: Page): Promise<string[]> {
  const items = await page.locator("#subscriptions li").all();
  const texts = items.map(async (item) => {
    const parts = await item.locator("span, code").allTextContents();
    return parts.join(" ");
  });
  return Promise.all(texts);
}

/** The name of what has the focus: its label or its text. */
export function focused(page: Page): Promise<string | null | undefined> {
  return page.evaluate(() => {
    const element = document.activeElement;
    return element?.getAttribute("aria-label") ?? (element?.id || element?.textContent);
  });
}

/** Expects that nothing is wider than the window. */
export async function expectNoOverflow(page: Page): Promise<void> {
  const [width, window] = await page.evaluate(() => [
    document.documentElement.scrollWidth,
    innerWidth,
  ]);
  expect(width).toBeLessThanOrEqual(window ?? 0);
}
