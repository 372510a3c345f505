/** The official PocketBase SDK with `pocketwire/client/event-source`, while connections are cut and the service is killed. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EventSource } from "eventsource";
import { afterEach, beforeEach, describe, expect, it, onTestFailed } from "vitest";
import { createResumingEventSource } from "../../src/client/event-source.ts";
import { runSDKChaos, type SDKChaosResult } from "../support/sdk-chaos.ts";
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

    const run = async (name: string, Used: typeof globalThis.EventSource) => {
      onTestFailed(() => console.log(`the SDK with ${name}: seed ${SEED}`));
      const options = { runtime, env: { REALTIME_DATA: folder }, EventSource: Used };
      const result = await runSDKChaos({
        ...options,
        ...{ clients: CLIENTS, strikes: STRIKES, seed: SEED },
      });
      console.log(line(`${runtime.name}, the SDK with ${name}`, result));
      return result;
    };

    it("receives each message once and in order with ResumingEventSource, however many instances of it there are", async () => {
      const Resuming = createResumingEventSource(EventSource);
      const result = await run("ResumingEventSource", Resuming);
      const none = { lost: 0, doubled: 0, disordered: 0, strange: 0, unrecovered: 0, away: 0 };
      expect(result).toMatchObject(none);
      // A run without breaks proves nothing.
      expect(result.reconnects).toBeGreaterThan(CLIENTS);
    });

    it("loses messages without it, so that the test above can fail", async () => {
      const { lost, doubled } = await run(
        "EventSource",
        EventSource as typeof globalThis.EventSource,
      );
      expect(lost).toBeGreaterThan(0);
      expect(doubled).toBe(0);
    });
  });
}

function line(name: string, result: SDKChaosResult): string {
  return `${name}: seed ${SEED}, ${Object.entries(result)
    .map(([what, count]) => `${what} ${count}`)
    .join(", ")}`;
}
