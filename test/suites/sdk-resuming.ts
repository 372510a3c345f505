/** The official PocketBase SDK with `pocketwire/client/event-source`, while connections are cut and the service is killed. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EventSource } from "eventsource";
import PocketBase from "pocketbase";
import { afterEach, beforeEach, describe, expect, it, onTestFailed } from "vitest";
import { createResumingEventSource } from "../../src/client/event-source.ts";
import {
  keysOf,
  runSDKChaos,
  type SDKInstances,
  type SDKState,
  sdkChaosLine,
} from "../support/sdk-chaos.ts";
import type { RuntimeUnderTest } from "../support/service.ts";

const CLIENTS = 12;
const STRIKES = Number(process.env.STRIKES ?? 20);
const SEED = Number(process.env.SEED ?? Date.now() % 100_000);

export function sdkResumingSuite(runtime: RuntimeUnderTest): void {
  describe(`the PocketBase SDK on ${runtime.name}, while connections are cut and the service is killed`, () => {
    let folder: string;
    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), "pocketwire-sdk-"));
    });
    afterEach(() => rmSync(folder, { recursive: true, force: true }));

    const run = async (name: string, Used: typeof globalThis.EventSource, patience?: number) => {
      onTestFailed(() => console.log(`the SDK with ${name}: seed ${SEED}`));
      const result = await runSDKChaos({
        ...{ runtime, env: { REALTIME_DATA: folder }, strikes: STRIKES, seed: SEED },
        open: (url) => openInstances(url, Used),
        ...(patience !== undefined && { patience }),
      });
      console.log(sdkChaosLine(`${runtime.name}, the SDK with ${name}`, SEED, result));
      return result;
    };

    it("receives each message once and in order with ResumingEventSource, in each of several instances", async () => {
      const result = await run("ResumingEventSource", createResumingEventSource(EventSource));
      const none = { lost: 0, doubled: 0, disordered: 0, strange: 0, unrecovered: 0, away: 0 };
      expect(result).toMatchObject(none);
      // A run without breaks proves nothing.
      expect(result.reconnects).toBeGreaterThan(CLIENTS);
    });

    it("loses messages without it: the test above can fail", async () => {
      const { lost } = await run(
        "EventSource",
        EventSource as typeof globalThis.EventSource,
        5_000,
      );
      expect(lost).toBeGreaterThan(0);
    });
  });
}

/** Opens instances of the SDK with one address, in this process. */
async function openInstances(
  url: string,
  Used: typeof globalThis.EventSource,
): Promise<SDKInstances> {
  const own = globalThis.EventSource;
  globalThis.EventSource = Used;
  const states: SDKState[] = [];
  const clients = Array.from({ length: CLIENTS }, () => new PocketBase(url));
  const open = async ({ realtime }: PocketBase, index: number) => {
    const state = { received: {} as Record<string, number[]>, connects: 0, unrecovered: 0 };
    states.push(state);
    const topics = keysOf(index).map((key) => {
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
  await Promise.all(clients.map(open));
  return {
    read: () => states,
    close: async () => {
      await Promise.all(clients.map(({ realtime }) => realtime.unsubscribe()));
      globalThis.EventSource = own;
    },
  };
}
