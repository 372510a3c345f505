import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  keysOf,
  runSDKChaos,
  type SDKInstances,
  type SDKState,
  sdkChaosLine,
} from "../support/sdk-chaos.ts";
import { launch, openPage } from "./chromium.ts";
import { WITH_SQLITE } from "./runtimes-with-sqlite.ts";

const CLIENTS = 2;
const STRIKES = Number(process.env.STRIKES ?? 15);
const SEED = Number(process.env.SEED ?? Date.now() % 100_000);
const SDK = readFileSync(
  join(createRequire(import.meta.url).resolve("pocketbase"), "../pocketbase.umd.js"),
  "utf8",
);

interface PageWorld {
  readonly PocketBase: typeof import("pocketbase").default;
  readonly resuming: typeof import("../../src/client/event-source.ts");
  states: SDKState[];
}

/** Opens instances of the SDK in the page. */
async function openInstances(page: Page, url: string): Promise<SDKInstances> {
  const keys = Array.from({ length: CLIENTS }, (_, index) => keysOf(index));
  await page.evaluate(
    async ([url, keys]) => {
      const world = globalThis as unknown as PageWorld;
      world.states = [];
      const open = async (own: string[]) => {
        const { realtime } = new world.PocketBase(url);
        const state = { received: {} as Record<string, number[]>, connects: 0, unrecovered: 0 };
        world.states.push(state);
        const topics = own.map((key) => {
          const numbers: number[] = [];
          state.received[key] = numbers;
          return realtime.subscribe(key, ({ n }) => numbers.push(n));
        });
        const onConnect = () => {
          state.connects += 1;
        };
        const onResume = ({ recovered }: { recovered: boolean }) => {
          if (!recovered) state.unrecovered += 1;
        };
        await Promise.all([
          ...topics,
          realtime.subscribe("PB_CONNECT", onConnect),
          realtime.subscribe("PB_RESUME", onResume),
        ]);
      };
      await Promise.all(keys.map(open));
    },
    [url, keys] as const,
  );
  return {
    read: () => page.evaluate(() => (globalThis as unknown as PageWorld).states),
    close: () => page.close(),
  };
}

describe.each(WITH_SQLITE)(
  "the PocketBase SDK in Chromium, while the service on $name is killed",
  (runtime) => {
    let browser: Browser;
    let folder: string;
    let script: string;
    beforeAll(async () => {
      browser = await launch();
      folder = mkdtempSync(join(tmpdir(), "pocketwire-sdk-"));
      const { outputFiles } = await build({
        entryPoints: ["src/client/event-source.ts"],
        ...{ bundle: true, write: false, format: "iife", globalName: "resuming", target: "es2022" },
      });
      script = outputFiles[0]?.text ?? "";
    });
    afterAll(async () => {
      await browser.close();
      rmSync(folder, { recursive: true, force: true });
    });

    const run = async (name: string, isResuming: boolean, patience?: number) => {
      const context = await browser.newContext();
      const env = { REALTIME_DATA: join(folder, name), REALTIME_CONSOLE: "true" };
      const open = async (url: string) => {
        const { page } = await openPage(context, url);
        await page.evaluate(`${SDK}\n${script}\nglobalThis.resuming = resuming;`);
        await page.evaluate((isResuming) => {
          const { resuming } = globalThis as unknown as PageWorld;
          if (isResuming) globalThis.EventSource = resuming.ResumingEventSource;
        }, isResuming);
        return openInstances(page, url);
      };
      const result = await runSDKChaos({
        ...{ runtime, env, open, strikes: STRIKES, seed: SEED },
        ...(patience !== undefined && { patience }),
      });
      await context.close();
      console.info(
        sdkChaosLine(`${runtime.name}, in Chromium, the SDK with ${name}`, SEED, result),
      );
      return result;
    };

    it("receives each message once and in order with ResumingEventSource, in both of two instances", async () => {
      const result = await run("ResumingEventSource", true);
      const none = { lost: 0, doubled: 0, disordered: 0, strange: 0, unrecovered: 0, away: 0 };
      expect(result).toMatchObject(none);
      expect(result.reconnects).toBeGreaterThan(CLIENTS);
    });

    it("loses messages without it: the test above can fail", async () => {
      const { lost } = await run("EventSource", false, 5_000);
      expect(lost).toBeGreaterThan(0);
    });
  },
);
