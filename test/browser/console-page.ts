/** What tests of the console do on its page. */
import type { Locator, Page } from "playwright-core";

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

/** The newest event in the list that contains a text. */
export function event(page: Page, text: string): Locator {
  return page.locator("#events li").filter({ hasText: text }).first();
}

/** The subscriptions in the list. */
export async function listedSubscriptions(page: Page): Promise<string[]> {
  const texts = await page.locator("#subscriptions li").allTextContents();
  return texts.map((text) => text.replace(/×$/, ""));
}
