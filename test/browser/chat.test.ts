import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bunPath } from "../../scripts/bun.mjs";
import { call, postJSON, publish } from "../support/api.ts";
import { eventually } from "../support/deadline.ts";
import { seededRandom } from "../support/random.ts";
import { type RuntimeUnderTest, type Service, startService, WORKERD } from "../support/service.ts";
import { startProxy } from "../support/tcp-proxy.ts";
import { launch, openPage } from "./chromium.ts";
import { serveClient } from "./client-files.ts";
import { NODE_WITH_SQLITE } from "./runtimes-with-sqlite.ts";

const FLOOD = 20_000;
const CLOCK = fileURLToPath(new URL("../support/moved-clock.mjs", import.meta.url));
const EXAMPLE = fileURLToPath(new URL("../../examples/chat.mjs", import.meta.url));

/** A running chat, and what its tests do with it. */
interface Chat {
  /** The address of the service that the page connects to. */
  readonly url: string;
  /** What the page shows, where the service does not serve the page itself. */
  readonly html?: string;
  say(text: string): Promise<unknown>;
  /** Publishes 20,000 messages to another topic. */
  flood(): Promise<void>;
  /** Waits until the history has none of the messages. Only kept messages are left then. */
  untilHistoryIsOver(): Promise<void>;
  stop(): Promise<unknown>;
}

/** The example, on a clock that moves by days. */
function example(name: string, program: readonly [string, ...string[]]): RuntimeUnderTest {
  return {
    name,
    command: () => [...program, CLOCK, EXAMPLE] as [string, ...string[]],
    urlIn: (output) => /^(http:\S+)$/m.exec(output)?.[1],
  };
}

async function startExample(
  runtime: RuntimeUnderTest,
  days: number,
  env: Record<string, string>,
): Promise<Chat> {
  const service = await startService(runtime, { env });
  const say = (room: string, text: string) =>
    postJSON(service.url, `/rooms/${room}`, { who: "anna", text });
  let day = 0;
  return {
    url: service.url,
    say: (text) => say("lobby", text),
    flood: async () => {
      for (let n = 0; n < FLOOD; n += 100) {
        const answers = Array.from({ length: 100 }, () => say("noise", "again"));
        for (const { status } of await Promise.all(answers)) expect(status).toBe(200);
      }
    },
    untilHistoryIsOver: async () => {
      for (const end = day + days; day < end; ) {
        day += 1;
        service.process.kill("SIGUSR2");
        await eventually(() => service.output().includes(`${day} days later`), `day ${day} begins`);
      }
    },
    stop: () => service.stop("SIGKILL"),
  };
}

/** The page of the example with a Worker. The clock of workerd can't be moved, so the history lasts a second. */
async function startWorker(): Promise<Chat> {
  const page = await startService(example("Node", [process.execPath, "--import"]), {
    env: { PORT: "18465" },
  });
  const { body: html } = await call(page.url, "/");
  await page.stop("SIGKILL");
  const env = {
    REALTIME_TOPICS: '[{"match":"chat/*","keep":100}]',
    REALTIME_HISTORY_SECONDS: "1",
  };
  const service: Service = await startService(WORKERD, { env });
  const data = { who: "anna", text: "again" };
  const noise = Array.from({ length: 1000 }, () => ({ topic: "noise", data }));
  return {
    url: service.url,
    html,
    say: (text) => publish(service.url, { topic: "chat/lobby", data: { who: "anna", text } }),
    flood: async () => {
      for (let n = 0; n < FLOOD; n += noise.length) {
        expect((await publish(service.url, noise)).status).toBe(200);
      }
    },
    untilHistoryIsOver: async () => {
      await publish(service.url, { topic: "end", data: null });
      await eventually(async () => {
        const { body } = await call(service.url, "/api/realtime/messages?topic=noise&topic=end");
        return body.messages.length === 0;
      }, "the history is over");
    },
    stop: () => service.stop(),
  };
}

const shown = (page: Page): Promise<string[]> => page.locator("#said li").allTextContents();

const lines = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, index) => `anna: ${from + index}`);

describe("the chat example, in Chromium", () => {
  let browser: Browser;
  let folder: string;
  beforeAll(async () => {
    browser = await launch();
    folder = mkdtempSync(join(tmpdir(), "pocketwire-chat-"));
  });
  afterAll(async () => {
    await browser.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const node = example("Node", [process.execPath, "--import"]);
  const nodeWithSqlite = example("Node with SQLite", [NODE_WITH_SQLITE.command({})[0], "--import"]);
  const bun = example("Bun", [bunPath(), "--preload"]);
  // The history in memory lasts five minutes, and on disk seven days.
  const chats: readonly [name: string, start: () => Promise<Chat>][] = [
    ["in memory on Node", () => startExample(node, 1, { PORT: "18461" })],
    [
      `on disk on ${NODE_WITH_SQLITE.name}`,
      () => startExample(nodeWithSqlite, 8, { PORT: "18462", REALTIME_DATA: join(folder, "node") }),
    ],
    ["in memory on Bun", () => startExample(bun, 1, { PORT: "18463" })],
    [
      "on disk on Bun",
      () => startExample(bun, 8, { PORT: "18464", REALTIME_DATA: join(folder, "bun") }),
    ],
    ["in a Durable Object", startWorker],
  ];

  it.each(chats)(
    "shows the last 20 messages when the history is over, beside a flood, and none of them twice: %s",
    async (_, start) => {
      const chat = await start();
      const random = seededRandom(1);
      const proxy = await startProxy({ target: chat.url, random });
      for (let n = 1; n <= 25; n++) await chat.say(`${n}`);
      await chat.flood();
      await chat.untilHistoryIsOver();
      const context = await browser.newContext();
      const { html } = chat;
      if (html !== undefined) {
        await context.route(`${proxy.url}/`, (route) =>
          route.fulfill({ contentType: "text/html", body: html }),
        );
        await serveClient(context, proxy.url);
      }
      const { page } = await openPage(context, proxy.url);
      await eventually(async () => (await shown(page)).length >= 20, "the page shows 20 messages");
      expect(await shown(page)).toEqual(lines(6, 25));
      await chat.say("26");
      await page.getByText("anna: 26").waitFor();
      // While the page is away, the history ends once more: the page gets the last 20 messages again.
      expect(proxy.cutRandom(1000)).toBeGreaterThan(0);
      for (let n = 27; n <= 30; n++) await chat.say(`${n}`);
      await chat.untilHistoryIsOver();
      await page.getByText("anna: 30").waitFor();
      await chat.say("31");
      await page.getByText("anna: 31").waitFor();
      expect(await shown(page)).toEqual(lines(6, 31));
      await context.close();
      await proxy.close();
      await chat.stop();
    },
  );
});
