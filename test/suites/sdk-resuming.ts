/** The official PocketBase SDK, unchanged, with `pocketwire/client/event-source`. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EventSource } from "eventsource";
import PocketBase from "pocketbase";
import { afterEach, beforeEach, describe, expect, it, onTestFailed } from "vitest";
import { createResumingEventSource } from "../../src/client/event-source.ts";
import { publish } from "../support/api.ts";
import { eventually } from "../support/deadline.ts";
import { WORKERD } from "../support/runtimes.ts";
import {
  keysOf,
  runSDKChaos,
  type SDKInstances,
  type SDKState,
  sdkChaosLine,
} from "../support/sdk-chaos.ts";
import { type RuntimeUnderTest, startService } from "../support/service.ts";
import { inSeconds, JWT_SECRET, tokenFor } from "../support/tokens.ts";

const CLIENTS = 12;
const STRIKES = Number(process.env.STRIKES ?? 20);
const SEED = Number(process.env.SEED ?? Date.now() % 100_000);

/** What takes long by its nature. A control shows that the first test can fail. */
export function sdkResumingLongSuite(runtime: RuntimeUnderTest): void {
  const kills = runtime !== WORKERD;
  const what = kills ? "connections are cut and the service is killed" : "connections are cut";
  describe(`the PocketBase SDK on ${runtime.name}, while ${what}`, () => {
    let folder: string;
    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), "pocketwire-sdk-"));
    });
    afterEach(() => rmSync(folder, { recursive: true, force: true }));

    const run = async (name: string, Used: typeof globalThis.EventSource, patience?: number) => {
      onTestFailed(() => console.log(`the SDK with ${name}: seed ${SEED}`));
      const env = kills ? { REALTIME_DATA: folder } : { REALTIME_SHARDS: "2" };
      const result = await runSDKChaos({
        ...{ runtime, env, kills, strikes: STRIKES, seed: SEED },
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

export function sdkResumingSuite(runtime: RuntimeUnderTest): void {
  describe(`the PocketBase SDK on ${runtime.name}, with ResumingEventSource`, () => {
    const own = globalThis.EventSource;
    beforeEach(() => {
      globalThis.EventSource = createResumingEventSource(EventSource);
    });
    afterEach(() => {
      globalThis.EventSource = own;
    });

    it("begins with new messages when it subscribes again after an unsubscribe", async () => {
      const service = await startService(runtime);
      const { realtime } = new PocketBase(service.url);
      const heard: number[] = [];
      const say = (n: number) => publish(service.url, { topic: "chat", data: { n } });
      const subscribe = () => realtime.subscribe("chat", ({ n }) => heard.push(n));
      await subscribe();
      await say(1);
      await eventually(() => heard.length === 1, "the first message arrives");
      await realtime.unsubscribe();
      await say(2);
      await subscribe();
      await say(3);
      await eventually(() => heard.includes(3), "the third message arrives");
      expect(heard).toEqual([1, 3]);
      await realtime.unsubscribe();
      await service.stop();
    });

    it("misses no private message when a token expires and the page has a new one", async () => {
      const env = { REALTIME_JWT_SECRET: JWT_SECRET };
      const service = await startService(runtime, { env });
      const pb = new PocketBase(service.url);
      const heard: number[] = [];
      const sign = (seconds: number) =>
        tokenFor("anna", { subscribe: ["chat"] }, { exp: inSeconds(seconds) });
      let hasExpired = false;
      pb.authStore.save(await sign(3));
      await Promise.all([
        pb.realtime.subscribe("chat", ({ n }) => heard.push(n)),
        pb.realtime.subscribe("PB_AUTH_EXPIRED", async () => {
          hasExpired = true;
          pb.authStore.save(await sign(60));
        }),
      ]);
      const oldId = pb.realtime.clientId;
      let n = 0;
      const isBack = async () => {
        n += 1;
        await publish(service.url, { topic: "chat", data: { n }, private: n % 2 === 0 });
        return hasExpired && pb.realtime.isConnected && pb.realtime.clientId !== oldId;
      };
      await eventually(isBack, "the SDK has connected with the new token");
      await eventually(() => heard.at(-1) === n, "the last message arrives");
      expect(heard).toEqual(Array.from({ length: n }, (_, index) => index + 1));
      await pb.realtime.unsubscribe();
      await service.stop();
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
