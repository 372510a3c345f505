import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { connect, Realtime } from "../../src/client.ts";
import { ADMIN_KEY, call, publish } from "../support/api.ts";
import { eventually, pause } from "../support/deadline.ts";
import { NODE, type Service, startService } from "../support/service.ts";
import { JWT_SECRET, tokenFor } from "../support/tokens.ts";
import { launch } from "./chromium.ts";
import { type PageServer, startPageServer } from "./page-server.ts";
import { WITH_SQLITE } from "./runtimes-with-sqlite.ts";

/** What a tab has heard. */
interface Tab {
  heard: [topic: string, n: number][];
  statuses: string[];
  gaps: number;
  errors: string[];
  tokens: number;
  ends: Record<string, () => void>;
  connect: typeof connect;
  realtime: Realtime<Record<string, { n: number }>>;
}

const tab = (page: Page) => page.evaluate(() => (globalThis as unknown as Tab).heard);

/** How the tabs share: by a SharedWorker, or by one of the tabs, as where there is no SharedWorker. */
const WAYS = ["a SharedWorker", "a leading tab"] as const;

describe.each(WAYS)("a stream shared by %s", (way) => {
  let browser: Browser;
  let context: BrowserContext;
  let site: PageServer;
  let service: Service;
  let numbers = 0;

  beforeAll(async () => {
    [browser, site, service] = await Promise.all([
      launch(),
      startPageServer(),
      startService(NODE, { env: { REALTIME_ORIGINS: "*", REALTIME_JWT_SECRET: JWT_SECRET } }),
    ]);
  });
  afterAll(async () => {
    await browser.close();
    await site.close();
    await service.stop();
  });
  beforeEach(async () => {
    context = await browser.newContext();
    if (way === "a leading tab") {
      await context.addInitScript(() => Reflect.deleteProperty(globalThis, "SharedWorker"));
    }
  });
  afterEach(() => context.close());

  /** Opens a tab that shares. */
  async function openTab(token?: string): Promise<Page> {
    const page = await context.newPage();
    await page.goto(site.url);
    await page.waitForFunction(() => (globalThis as unknown as Tab).connect !== undefined);
    await page.evaluate(
      ({ url, token }) => {
        const tab = globalThis as unknown as Tab;
        Object.assign(tab, { heard: [], statuses: [], gaps: 0, errors: [], tokens: 0, ends: {} });
        const getToken = () => {
          tab.tokens += 1;
          return token;
        };
        tab.realtime = tab.connect(url, { share: true, ...(token && { token: getToken }) });
        tab.realtime.on("status", (status: string) => tab.statuses.push(status));
        tab.realtime.on("gap", () => tab.gaps++);
        tab.realtime.on("error", (error: Error) => tab.errors.push(error.message));
      },
      { url: service.url, token },
    );
    return page;
  }

  async function subscribe(page: Page, topic: string, options: object = {}): Promise<void> {
    await page.evaluate(
      ([topic, options]) => {
        const tab = globalThis as unknown as Tab;
        const onMessage = (message: { topic: string; data: { n: number } }) =>
          tab.heard.push([message.topic, message.data.n]);
        tab.ends[topic] = tab.realtime.subscribe(topic, onMessage, options);
      },
      [topic, options] as const,
    );
    await connected(page);
  }

  const connected = (page: Page) =>
    eventually(
      () => page.evaluate(() => (globalThis as unknown as Tab).realtime.status === "connected"),
      "the tab is connected",
      20_000,
    );

  async function clients(): Promise<{ subscriptions: string[]; identity?: string }[]> {
    const headers = { Authorization: `Bearer ${ADMIN_KEY}` };
    return (await call(service.url, "/api/realtime/clients", { headers })).body.clients;
  }

  /** Publishes numbered messages. @returns their numbers. */
  async function send(topic: string, count = 1): Promise<number[]> {
    const sent = Array.from({ length: count }, () => ++numbers);
    const answer = await publish(
      service.url,
      sent.map((n) => ({ topic, data: { n } })),
    );
    expect(answer.status).toBe(200);
    return sent;
  }

  async function expectHeard(page: Page, topic: string, sent: readonly number[]): Promise<void> {
    const heard = async () =>
      (await tab(page)).filter(([name]) => name === topic).map(([, n]) => n);
    await eventually(async () => (await heard()).includes(sent.at(-1) ?? 0), `${topic} arrives`);
    expect(await heard()).toEqual(sent);
  }

  it("is one stream, whatever the tabs subscribe to", async () => {
    const [one, two, three] = [await openTab(), await openTab(), await openTab()];
    await subscribe(one, "a");
    await subscribe(two, "a");
    await subscribe(two, "b");
    await subscribe(three, "c/*");
    const [client, ...others] = await clients();
    expect(others).toEqual([]);
    await eventually(
      async () => (await clients())[0]?.subscriptions.length === 3,
      "the service has the three keys",
    );
    expect(client).toBeDefined();
    const { held = [] } = await one.evaluate(() => navigator.locks.query());
    const owners = (kind: string) =>
      held.filter(({ name }) => name?.includes(kind)).map(({ clientId }) => clientId);
    const [host] = owners(":host");
    expect(owners(":tab:").includes(host)).toBe(way === "a leading tab");
    const a = await send("a");
    const b = await send("b");
    const c = await send("c/1");
    await expectHeard(one, "a", a);
    await expectHeard(two, "a", a);
    await expectHeard(two, "b", b);
    await expectHeard(three, "c/1", c);
    expect((await tab(one)).length).toBe(1);
    await two.evaluate(() => (globalThis as unknown as Tab).ends.b?.());
    await eventually(
      async () => !(await clients())[0]?.subscriptions.includes("b"),
      "the key of the ended subscription is gone",
    );
  });

  it("starts each tab's subscription with its own last messages", async () => {
    const sent = await send("last", 5);
    const [one, two] = [await openTab(), await openTab()];
    await subscribe(one, "last", { last: 3 });
    await expectHeard(one, "last", sent.slice(-3));
    await subscribe(two, "last", { last: 3 });
    await expectHeard(two, "last", sent.slice(-3));
    const more = await send("last", 2);
    await expectHeard(one, "last", [...sent.slice(-3), ...more]);
    await expectHeard(two, "last", [...sent.slice(-3), ...more]);
  });

  it("loses and repeats nothing when a tab closes or crashes under a stream of messages", async () => {
    const tabs = [await openTab(), await openTab(), await openTab()];
    for (const page of tabs) await subscribe(page, "flow");
    const sent: number[] = [];
    let isSending = true;
    const sending = (async () => {
      while (isSending) {
        sent.push(...(await send("flow")));
        await pause(5);
      }
    })();
    const soon = () => {
      const enough = sent.length + 40;
      return eventually(() => sent.length >= enough, "more messages are sent");
    };
    await soon();
    const [first, second, third] = tabs as [Page, Page, Page];
    await first.close({ runBeforeUnload: false });
    await soon();
    const late = await openTab();
    await subscribe(late, "flow");
    await soon();
    const session = await context.newCDPSession(second);
    const hasCrashed = new Promise((resolve) => second.once("crash", resolve));
    void session.send("Page.crash").catch(() => {}); // A crashed page does not answer.
    await hasCrashed;
    await soon();
    await pause(1500);
    isSending = false;
    await sending;
    await expectHeard(third, "flow", sent);
    const heard = (await tab(late)).map(([, n]) => n);
    await eventually(
      async () => (await tab(late)).at(-1)?.[1] === sent.at(-1),
      "the late tab has the last message",
    );
    const all = (await tab(late)).map(([, n]) => n);
    expect(all).toEqual(sent.slice(sent.indexOf(all[0] ?? 0)));
    expect(heard.length).toBeLessThanOrEqual(all.length);
    expect(await third.evaluate(() => (globalThis as unknown as Tab).gaps)).toBe(0);
    expect((await clients()).length).toBe(1);
  });

  it("goes on without loss when the tab that holds it is frozen, and when the tab comes back", async () => {
    const [first, second] = [await openTab(), await openTab()];
    for (const page of [first, second]) await subscribe(page, "frozen");
    const sent = await send("frozen", 3);
    for (const page of [first, second]) await expectHeard(page, "frozen", sent);
    const session = await context.newCDPSession(first);
    await session.send("Page.setWebLifecycleState", { state: "frozen" });
    sent.push(...(await send("frozen", 3)));
    await expectHeard(second, "frozen", sent);
    const third = await openTab();
    await subscribe(third, "frozen");
    await second.close();
    const later = await send("frozen", 3);
    sent.push(...later);
    await expectHeard(third, "frozen", later);
    await session.send("Page.setWebLifecycleState", { state: "active" });
    await third.close();
    sent.push(...(await send("frozen", 3)));
    await expectHeard(first, "frozen", sent);
  });

  it("is taken over from a host that does not answer", async () => {
    const stuck = await context.newPage();
    await stuck.goto(site.url);
    // Stands for a tab that the system has suspended without an event.
    await stuck.evaluate((api) => {
      void navigator.locks.request(`pocketwire 1 ${api} :host`, () => new Promise(() => {}));
    }, `${service.url}/api/realtime`);
    const [one, two] = [await openTab(), await openTab()];
    await subscribe(one, "stuck");
    await subscribe(two, "stuck");
    const sent = await send("stuck", 3);
    for (const page of [one, two]) await expectHeard(page, "stuck", sent);
    expect((await clients()).length).toBe(1);
  });

  it("survives restarts of the service, and resumes for every tab", async () => {
    const folder = mkdtempSync(join(tmpdir(), "pocketwire-share-"));
    const env = { REALTIME_ORIGINS: "*", REALTIME_DATA: folder };
    const [runtime] = WITH_SQLITE;
    if (runtime === undefined) throw new Error("There is no runtime with SQLite.");
    const shared = service;
    service = await startService(runtime, { env });
    try {
      const tabs = [await openTab(), await openTab()];
      for (const page of tabs) await subscribe(page, "restart");
      const sent = await send("restart", 3);
      for (let restart = 0; restart < 2; restart++) {
        const { port } = new URL(service.url);
        await service.stop("SIGKILL");
        service = await startService(runtime, { env: { ...env, PORT: port } });
        sent.push(...(await send("restart", 3)));
        for (const page of tabs) await expectHeard(page, "restart", sent);
      }
      for (const page of tabs) {
        expect(await page.evaluate(() => (globalThis as unknown as Tab).gaps)).toBe(0);
      }
    } finally {
      await service.stop();
      service = shared;
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it("signs in with the token of a tab", async () => {
    const token = await tokenFor("anna", { subscribe: ["secret"] });
    const [one, two] = [await openTab(token), await openTab(token)];
    await subscribe(one, "secret");
    await subscribe(two, "secret");
    expect((await clients()).map(({ identity }) => identity)).toEqual(["anna"]);
    await publish(service.url, { topic: "secret", data: { n: 1 }, private: true });
    await expectHeard(one, "secret", [1]);
    await expectHeard(two, "secret", [1]);
  });

  it("tells the tab which subscription the service refuses, and the others go on", async () => {
    const [one, two] = [await openTab(), await openTab()];
    await subscribe(one, "good");
    await two.evaluate(() => {
      const { realtime } = globalThis as unknown as Tab;
      realtime.subscribe("bad", () => {}, { filter: "a ==" });
    });
    const errors = () => two.evaluate(() => (globalThis as unknown as Tab).errors);
    await eventually(async () => (await errors()).length > 0, "the error arrives");
    expect((await errors())[0]).toContain('The service refuses the subscription to "bad"');
    await expectHeard(one, "good", await send("good"));
  });

  it("ends when the last tab closes its client", async () => {
    const [one, two] = [await openTab(), await openTab()];
    await subscribe(one, "end");
    await subscribe(two, "end");
    expect((await clients()).length).toBe(1);
    for (const page of [one, two]) {
      await page.evaluate(() => (globalThis as unknown as Tab).realtime.close());
    }
    await eventually(async () => (await clients()).length === 0, "the stream is closed");
    expect(await one.evaluate(() => (globalThis as unknown as Tab).statuses.at(-1))).toBe("closed");
  });
});
