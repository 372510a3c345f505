import { afterEach, describe, expect, it } from "vitest";
import { publish, readStats } from "../support/api.ts";
import { eventually, within } from "../support/deadline.ts";
import { freePort } from "../support/free-port.mjs";
import { type OpenPage, openEventSourcePage, openSDKPage, type Page } from "../support/pages.ts";
import type { ProxyUnderTest } from "../support/proxies.ts";
import { type RuntimeUnderTest, startService } from "../support/service.ts";

export interface RestartOptions {
  readonly runtime: RuntimeUnderTest;
  /** All pages have the same address. */
  readonly pages: number;
  /** Default: no proxy. */
  readonly proxy?: ProxyUnderTest;
  /** Settings of the service. Undefined is the service's own default. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** A few pages at once, so that the test's own process is not the bottleneck. */
const AT_ONCE = 50;

const KINDS: readonly (readonly [string, OpenPage])[] = [
  ["bare EventSources", openEventSourcePage],
  ["official SDKs", openSDKPage],
];

/** Every page of one address reconnects after a restart and receives a message that is published then. */
export function restartSuite({ runtime, pages, proxy, env }: RestartOptions): void {
  const through = proxy === undefined ? "" : `, through ${proxy.name}`;
  describe(`a restart of ${runtime.name}${through}`, () => {
    const ends: (() => unknown)[] = [];
    afterEach(async () => {
      for (const end of ends.splice(0).toReversed()) await end();
    });

    it.each(KINDS)(
      `loses none of ${pages} pages of one address: %s`,
      async (_, openPage) => {
        const settings = { ...env, PORT: await freePort(), LOG_LEVEL: "info" };
        const before = await startService(runtime, { env: settings });
        ends.push(() => before.stop());
        const front = await proxy?.start(settings.PORT);
        ends.push(() => front?.stop());
        const open: Page[] = [];
        ends.push(() => {
          for (const page of open) page.close();
        });
        const url = front?.url ?? before.url;
        while (open.length < pages) {
          const some = Array.from({ length: Math.min(AT_ONCE, pages - open.length) });
          const opened = Promise.all(some.map(() => openPage(url)));
          open.push(...(await within(opened, 30_000, "pages open")));
        }
        expect(await before.stop("SIGTERM")).toBe(0);
        const after = await startService(runtime, { env: settings });
        ends.push(() => after.stop());
        // The failure shows the statuses of failed requests.
        const refused = () => JSON.stringify(open.flatMap((page) => page.refused));
        await eventually(
          async () => (await readStats(after.url)).subscriptions >= pages || refused() !== "[]",
          "all pages have subscribed again",
          60_000,
        );
        expect(refused()).toBe("[]");
        expect((await publish(after.url, { topic: "all", data: "back" })).status).toBe(200);
        const all = () => open.every(({ heard }) => heard.includes("back"));
        await eventually(all, "all pages receive the message");
        expect(await readStats(after.url)).toMatchObject({ clients: pages, subscriptions: pages });
      },
      180_000,
    );
  });
}
