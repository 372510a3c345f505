import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { call } from "../support/api.ts";
import { eventually } from "../support/deadline.ts";
import { seededRandom } from "../support/random.ts";
import { type RuntimeUnderTest, type Service, startService } from "../support/service.ts";
import { startProxy, type TCPProxy } from "../support/tcp-proxy.ts";
import { expectAccessible, launch, openPage, picture } from "./chromium.ts";

const file = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));

/** Time between two words of the model. An answer has about 130 words. */
const TOKEN_DELAY = "50";

const NODE: RuntimeUnderTest = {
  name: "Node",
  command: () => [process.execPath, file("examples/ai-chat/server.mjs")],
  urlIn: (output) => /^(http:\S+)$/m.exec(output)?.[1],
};

const NODE_WITH_FAILURES: RuntimeUnderTest = {
  ...NODE,
  name: "Node, where a third of the publishes fail",
  command: () => [
    process.execPath,
    ...["--import", file("test/support/failing-publish.mjs")],
    file("examples/ai-chat/server.mjs"),
  ],
};

const WORKERD: RuntimeUnderTest = {
  name: "workerd",
  command: (settings) => [
    process.execPath,
    file("node_modules/wrangler/bin/wrangler.js"),
    "dev",
    ...["--persist-to", mkdtempSync(join(tmpdir(), "pocketwire-ai-chat-"))],
    ...["--ip", "127.0.0.1", "--port", settings.PORT ?? "0", "--inspector-port", "0"],
    ...["--var", `TOKEN_DELAY:${settings.TOKEN_DELAY}`, "--show-interactive-dev-session=false"],
  ],
  urlIn: (output) => /Ready on (http:\/\/\S+)/.exec(output)?.[1],
};

const answerIn = (page: Page) => page.locator('li[data-role="assistant"]').last();

/** The text of the answer so far. Empty before its beginning. */
async function textIn(page: Page): Promise<string> {
  const [text = ""] = await answerIn(page).allTextContents();
  return text;
}

/** Waits until a page shows so many words of the answer. @returns the text. */
async function untilWords(page: Page, count: number): Promise<string> {
  return eventually(async () => {
    const text = await textIn(page);
    return text.split(" ").length > count ? text : undefined;
  }, `the page shows ${count} words`);
}

const untilReady = (page: Page) => page.getByText("Ready.").waitFor();

async function ask(page: Page, text: string): Promise<void> {
  await page.getByLabel("Your question").fill(text);
  await page.getByRole("button", { name: "Ask" }).click();
  await page.getByText("The model is answering.").waitFor();
}

/** Collects what a page shows, until the function that it returns is called. */
function watch(page: Page): () => Promise<string[]> {
  let isOver = false;
  const texts: string[] = [];
  const watching = (async () => {
    while (!isOver) {
      texts.push(await textIn(page));
      await page.waitForTimeout(20);
    }
  })();
  return async () => {
    isOver = true;
    await watching;
    return texts;
  };
}

const runtimes = [NODE, NODE_WITH_FAILURES, WORKERD].map((one) => [one.name, one] as const);

describe.each(runtimes)("the AI chat in Chromium, on %s", (_, runtime) => {
  let browser: Browser;
  let service: Service;
  let proxy: TCPProxy;
  const contexts: BrowserContext[] = [];

  beforeAll(async () => {
    browser = await launch();
    service = await startService(runtime, {
      env: { TOKEN_DELAY },
      cwd: file("examples/ai-chat"),
    });
    proxy = await startProxy({ target: service.url, random: seededRandom(1) });
  });
  afterEach(async () => {
    for (const context of contexts.splice(0)) await context.close();
  });
  afterAll(async () => {
    await browser?.close();
    await proxy?.close();
    await service?.stop("SIGKILL");
  });

  /** Opens a window with a browser profile of its own. */
  async function openChat(id: string): Promise<Page> {
    const context = await browser.newContext();
    contexts.push(context);
    const { page } = await openPage(context, `${proxy.url}/#${id}`);
    await page.getByRole("button", { name: "Ask" }).waitFor();
    return page;
  }

  /** The text of the newest answer, as the app got it from the model. */
  async function stored(id: string): Promise<string> {
    const { body } = await call(service.url, `/api/chat/${id}`);
    const { role, parts } = body.at(-1);
    expect(role).toBe("assistant");
    const isText = ({ type }: { type: string }) => type === "text";
    return parts
      .filter(isText)
      .map(({ text }: { text: string }) => text)
      .join("");
  }

  it("continues an answer after a reload, and shows it after its end", async () => {
    const page = await openChat("reload");
    await ask(page, "Why?");
    const before = await untilWords(page, 20);
    await page.reload();
    await untilWords(page, 20);
    await page.reload();
    const stop = watch(page);
    await untilWords(page, 20);
    await untilReady(page);
    const seen = await stop();
    const answer = await stored("reload");
    expect(answer).toMatch(/^You asked: "Why\?"\. This answer comes .* a reload shows it\.$/);
    expect(before.length).toBeLessThan(answer.length);
    expect(await textIn(page)).toBe(answer);
    expect(seen.filter((text) => !answer.startsWith(text))).toEqual([]);
    expect(new Set(seen).size).toBeGreaterThan(20);
    await page.reload();
    await untilReady(page);
    expect(await page.locator("li").allTextContents()).toEqual(["Why?", answer]);
    await expectAccessible(page);
    await picture(page, `ai-chat-${runtime.name}`);
  });

  it("shows an answer in a window that was open before, and in one that opens later", async () => {
    const first = await openChat("windows");
    const second = await openChat("windows");
    await ask(first, "Who?");
    await untilWords(second, 5);
    const third = await openChat("windows");
    await untilWords(third, 5);
    for (const page of [first, second, third]) await untilReady(page);
    const answer = await stored("windows");
    for (const page of [first, second, third]) {
      expect(await page.locator("li").allTextContents()).toEqual(["Who?", answer]);
    }
    // The next question comes from another window.
    await ask(second, "And then?");
    await untilWords(first, 5);
    for (const page of [first, second, third]) await untilReady(page);
    const next = await stored("windows");
    expect(next).toContain('You asked: "And then?".');
    for (const page of [first, second, third]) {
      expect(await page.locator("li").allTextContents()).toEqual([
        ...["Who?", answer, "And then?", next],
      ]);
    }
  });

  it("stops an answer from another window, in both", async () => {
    const first = await openChat("stop");
    await ask(first, "How?");
    await untilWords(first, 10);
    const second = await openChat("stop");
    await untilWords(second, 10);
    await second.getByRole("button", { name: "Stop" }).click();
    await untilReady(second);
    await untilReady(first);
    const answer = await stored("stop");
    expect(answer).toContain('You asked: "How?".');
    expect(answer).not.toContain("a reload shows it.");
    expect(await textIn(first)).toBe(answer);
    expect(await textIn(second)).toBe(answer);
    await first.reload();
    await untilReady(first);
    expect(await first.locator("li").allTextContents()).toEqual(["How?", answer]);
  });

  it("completes an answer when the connection is cut in the middle, several times", async () => {
    const page = await openChat("cut");
    await ask(page, "When?");
    const stop = watch(page);
    for (const words of [10, 40, 80]) {
      await untilWords(page, words);
      expect(proxy.cutRandom(1000)).toBeGreaterThan(0);
    }
    await untilReady(page);
    const answer = await stored("cut");
    expect(await textIn(page)).toBe(answer);
    expect((await stop()).filter((text) => !answer.startsWith(text))).toEqual([]);
    if (runtime === NODE_WITH_FAILURES) expect(service.output()).toContain("publish failed");
  });
});
