import { spawn } from "node:child_process";
import { tmpdir } from "node:os";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { ADMIN_KEY } from "../support/api.ts";
import { eventually } from "../support/deadline.ts";
import { NODE, type Service, startService } from "../support/service.ts";
import { JWT_SECRET, tokenFor } from "../support/tokens.ts";
import { launch, openPage } from "./chromium.ts";
import { enterAdminKey, enterKey, event, openTab, press, subscribeTo } from "./console-page.ts";

/** What a shell may read otherwise than as it is. */
const AWKWARD = `it's $HOME "quoted" \`date\` \\n !! * & ; | %41 @file ünï`;

describe("the curl lines that the console prints", () => {
  let service: Service;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
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
    ({ page } = await openPage(context, service.url));
  });
  afterEach(() => context.close());

  const printed = async (): Promise<string> => (await page.locator("#curl").textContent()) ?? "";

  /** Starts what the page prints in bash, as it is. The status of the answer follows the output. */
  function start(command: string, env: Readonly<Record<string, string>> = {}) {
    const shell = spawn("bash", ["-c", command], {
      cwd: tmpdir(),
      env: {
        PATH: process.env.PATH,
        HOME: process.env.HOME,
        REALTIME_ADMIN_KEY: ADMIN_KEY,
        ...env,
      },
      stdio: ["ignore", "pipe", "ignore"],
    });
    let output = "";
    shell.stdout.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
    const exited = new Promise<number | null>((resolve) => shell.on("close", resolve));
    return { output: () => output, exited, end: () => shell.kill() };
  }

  async function run(env?: Readonly<Record<string, string>>): Promise<string> {
    const { output, exited } = start(await printed(), env);
    expect(await exited).toBe(0);
    return output();
  }

  it("publish the same message, whatever is in it", async () => {
    await enterAdminKey(page);
    await subscribeTo(page, "*");
    await page.locator("#publish [name=topic]").fill(AWKWARD);
    await page.locator("#publish [name=data]").fill(JSON.stringify({ text: AWKWARD }));
    await press(page, "Publish");
    await page.getByText(/^Accepted: /).waitFor();
    expect(JSON.parse(await run())).toEqual({ id: expect.any(String) });
    await eventually(
      async () => (await page.locator("#events .name", { hasText: AWKWARD }).count()) === 2,
      "the message arrives twice",
    );
    const texts = await page.locator("#events .preview").allTextContents();
    const published = JSON.stringify({ text: AWKWARD });
    expect(texts.filter((text) => text === published)).toHaveLength(2);
    // And a batch.
    await page.getByText("Batch").click();
    await press(page, "Publish");
    await page.getByText("Accepted: 2 messages").waitFor();
    expect(JSON.parse(await run())).toHaveLength(2);
  });

  it("set the subscriptions of the page's stream, with the identity of the stream", async () => {
    await enterKey(page, await tokenFor("anna"), "User anna");
    await subscribeTo(page, `chat, ${AWKWARD}`);
    expect(await printed()).toContain("$REALTIME_TOKEN");
    expect(await run({ REALTIME_TOKEN: await tokenFor("anna") })).toBe("");
    // Without the token it is refused, so that the line needs its header.
    expect(await run({ REALTIME_TOKEN: "" })).toContain('"status":40');
  });

  it("open a stream", async () => {
    await page.getByRole("textbox", { name: "Topics" }).fill(AWKWARD);
    await page.getByLabel("Replay last").fill("5");
    await press(page, "Subscribe");
    await event(page, "PB_CONNECT").waitFor();
    await press(page, "Disconnect");
    // The line of the connection is the last step until the answer to the subscriptions.
    await page.route("**/api/realtime?*", (route) => route.abort());
    await press(page, "Connect");
    expect(await printed()).toMatch(/^curl -N '/);
    const stream = start(await printed());
    await eventually(() => stream.output().includes("event: PB_CONNECT"), "the stream begins");
    stream.end();
  });

  it("read lists and the history", async () => {
    await enterAdminKey(page);
    await openTab(page, "Topics");
    await page.getByLabel("Topic to open").fill(AWKWARD);
    await press(page, "Open");
    await page.locator("#history-note", { hasText: "message" }).waitFor();
    expect(JSON.parse(await run())).toHaveProperty("messages");
    const lists = { Topics: "topics", Clients: "clients", Callbacks: "callbacks" };
    for (const [name, field] of Object.entries(lists)) {
      await openTab(page, name);
      await page.getByRole("button", { name: "Refresh" }).click();
      expect(await printed()).toContain(`/${field}`);
      expect(JSON.parse(await run())).toHaveProperty(field);
    }
    await openTab(page, "Clients");
    await page.locator("#revoke [name=subject]").fill(AWKWARD);
    await page.keyboard.press("Enter");
    await page.getByRole("dialog").getByRole("button", { name: "Revoke" }).click();
    await page.locator("#revoke-note", { hasText: "0 streams ended" }).waitFor();
    expect(JSON.parse(await run())).toEqual({ disconnected: 0 });
  });
});
