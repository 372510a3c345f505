import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { call, publish } from "../support/api.ts";
import { eventually, pause } from "../support/deadline.ts";
import { type RuntimeUnderTest, type Service, startService } from "../support/service.ts";
import { launch, openPage } from "./chromium.ts";
import { WITH_SQLITE } from "./runtimes-with-sqlite.ts";

const KILLS = 5;
const PUBLISHERS = 4;

/** What the page has heard: `[topic, number]` of each message, and the data of the service's own events. */
interface PageWorld {
  messages: [topic: string, n: number][];
  connects: string[];
  resumes: string[];
}

/** Opens a bare `EventSource` in the page. */
function listen(page: Page): Promise<void> {
  return page.evaluate(() => {
    const world = globalThis as unknown as PageWorld;
    Object.assign(world, { messages: [], connects: [], resumes: [] });
    const stream = new EventSource("/api/realtime?topic=news/*");
    stream.addEventListener("PB_CONNECT", (event) => world.connects.push(event.lastEventId));
    stream.addEventListener("PB_RESUME", ({ data }) => world.resumes.push(data));
    stream.addEventListener("news/*", ({ data }) => world.messages.push(JSON.parse(data)));
  });
}

const read = <K extends keyof PageWorld>(page: Page, name: K): Promise<PageWorld[K]> =>
  page.evaluate((name) => (globalThis as unknown as PageWorld)[name], name) as Promise<
    PageWorld[K]
  >;

const messageCount = (page: Page): Promise<number> =>
  page.evaluate(() => (globalThis as unknown as PageWorld).messages.length);

/** Publishers that send each message again, with the same id, until the service acknowledges it. */
function startPublishers(url: string) {
  const counts = { acknowledged: 0, repeated: 0, duplicates: 0 };
  const acknowledged: string[] = [];
  let isStopping = false;
  const send = async (topic: string, n: number): Promise<void> => {
    for (;;) {
      const answer = await publish(url, { topic, data: [topic, n], id: `${topic}-${n}` }).catch(
        () => undefined,
      );
      if (answer?.status === 200) {
        counts.acknowledged += 1;
        if (answer.body.duplicate === true) counts.duplicates += 1;
        acknowledged.push(`${topic} ${n}`);
        return;
      }
      counts.repeated += 1;
      await pause(20);
    }
  };
  const run = async (topic: string) => {
    for (let n = 1; !isStopping; n++) await send(topic, n);
  };
  const running = Promise.all(Array.from({ length: PUBLISHERS }, (_, i) => run(`news/${i}`)));
  return {
    counts,
    /** Waits until the publishers have their last answer. @returns the acknowledged messages. */
    stop: async () => {
      isStopping = true;
      await running;
      return acknowledged;
    },
  };
}

/** All messages of the log after a cursor, in the order of the log. */
async function readLog(url: string, cursor: string): Promise<PageWorld["messages"]> {
  const messages: PageWorld["messages"] = [];
  for (let after = cursor; ; ) {
    const path = `/api/realtime/messages?topic=news/*&limit=1000&after=${after}`;
    const { status, body } = await call(url, path);
    expect(status).toBe(200);
    messages.push(...body.messages.map(({ data }: { data: [string, number] }) => data));
    if (!body.more) return messages;
    after = body.cursor;
  }
}

async function killAndRestart(
  service: Service,
  runtime: RuntimeUnderTest,
  env: Readonly<Record<string, string>>,
): Promise<Service> {
  await service.stop("SIGKILL");
  return startService(runtime, { env: { ...env, PORT: new URL(service.url).port } });
}

describe.each(WITH_SQLITE)("REALTIME_DATA on $name, with an EventSource in Chromium", (runtime) => {
  let browser: Browser;
  let folder: string;
  beforeAll(async () => {
    browser = await launch();
    folder = mkdtempSync(join(tmpdir(), "pocketwire-data-"));
  });
  afterAll(async () => {
    await browser.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it("gives the page each acknowledged message once and in order, however often the service is killed", async () => {
    const env = { REALTIME_DATA: folder };
    let service = await startService(runtime, { env });
    const context = await browser.newContext();
    const { page } = await openPage(context, service.url);
    await listen(page);
    await eventually(async () => (await read(page, "connects")).length === 1, "the page connects");
    const publishers = startPublishers(service.url);
    for (let kill = 1; kill <= KILLS; kill++) {
      const heard = await messageCount(page);
      await eventually(
        async () => (await messageCount(page)) > heard + 100 * kill,
        `the page hears messages before kill ${kill}`,
      );
      service = await killAndRestart(service, runtime, env);
      await eventually(
        async () => (await read(page, "resumes")).length === kill,
        `the page resumes after kill ${kill}`,
      );
    }
    const acknowledged = await publishers.stop();
    await eventually(
      async () => (await messageCount(page)) >= acknowledged.length,
      "the page has as many messages as were acknowledged",
    );
    const [messages, resumes, connects] = await Promise.all([
      read(page, "messages"),
      read(page, "resumes"),
      read(page, "connects"),
    ]);
    expect(resumes.map((data) => JSON.parse(data).recovered)).toEqual(Array(KILLS).fill(true));
    expect(messages).toEqual(await readLog(service.url, connects[0] ?? ""));
    const heard = messages.map((message) => message.join(" "));
    expect(heard.toSorted()).toEqual(acknowledged.toSorted());
    for (let i = 0; i < PUBLISHERS; i++) {
      const numbers = messages.filter(([topic]) => topic === `news/${i}`).map(([, n]) => n);
      expect(numbers).toEqual(numbers.map((_, index) => index + 1));
    }
    const replayed = resumes.reduce((sum, data) => sum + JSON.parse(data).replayed, 0);
    console.info(
      `${runtime.name}: ${KILLS} kills, ${messages.length} messages heard, ${replayed} of them replayed, 0 lost, 0 doubled, 0 out of order; ${publishers.counts.repeated} requests repeated, ${publishers.counts.duplicates} of them recognised`,
    );
    await context.close();
    await service.stop();
  });
});
