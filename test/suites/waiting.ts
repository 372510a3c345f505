import { readFileSync } from "node:fs";
import { afterEach, describe, expect, it } from "vitest";
import { postJSON, publish, readStats } from "../support/api.ts";
import { closeClients } from "../support/clients.ts";
import { eventually } from "../support/deadline.ts";
import { NO_DESCRIPTORS } from "../support/descriptors.ts";
import { leftOut } from "../support/flags.ts";
import { openRawStream } from "../support/raw-client.ts";
import { type RuntimeUnderTest, startService } from "../support/service.ts";
import { openStream } from "../support/sse-client.ts";

const READERS = 100;
const KEYS = 4;
/** Of 16 KB each: a batch of 1 MB. */
const MESSAGES = 60;
/** This number of batches exceeds the buffers of both kernels. */
const BATCHES = 6;
/** MB. Up to 64 MiB may wait for one address. The rest is garbage that has not been collected. */
const MOST_GROWTH = 400;

/** Many clients that read nothing. Each client has other keys, so frames are not shared. */
export function waitingSuite(runtime: RuntimeUnderTest): void {
  const why = NO_DESCRIPTORS ?? runtime.noStop;
  const title = `${READERS} streams that are not read, on ${runtime.name}`;
  describe.skipIf(why !== undefined)(leftOut(title, why), () => {
    afterEach(closeClients);

    it("buffer no more than the budget of waiting bytes, and do not delay a client that reads", async () => {
      const service = await startService(runtime, { env: { LOG_LEVEL: "info" } });
      const { url } = service;
      const well = await openStream(url, {}, "?topic=flood");
      for (let count = 0; count < READERS; count++) {
        const { clientId, socket } = await openRawStream(url);
        socket.pause();
        const subscriptions = Array.from({ length: KEYS }, (_, key) => ownKey(count, key));
        const answer = await postJSON(url, "/api/realtime", { clientId, subscriptions });
        expect(answer.status).toBe(204);
      }
      const pid = service.process.pid ?? 0;
      const before = residentMB(pid);
      let peak = before;
      const watch = setInterval(() => {
        peak = Math.max(peak, residentMB(pid));
      }, 50);
      const batch = Array(MESSAGES).fill({ topic: "flood", data: "x".repeat(16_000) });
      let sent = 0;
      for (let count = 0; count < BATCHES; count++) {
        expect((await publish(url, batch)).status).toBe(200);
        sent += MESSAGES;
        await well.receive(sent, "the client that reads gets all messages");
      }
      await eventually(
        async () => (await readStats(url)).disconnects.slow !== 0,
        "some streams are aborted",
      );
      clearInterval(watch);
      console.log(`${runtime.name}: ${READERS} unread streams: ${before} to ${peak} MB`);
      expect(peak - before).toBeLessThan(MOST_GROWTH);
      const { waitingBytes } = (await readStats(url)) as unknown as { waitingBytes: number };
      expect(waitingBytes).toBeLessThanOrEqual(64 * 1024 * 1024);
      await publish(url, { topic: "flood", data: "after" });
      await well.receive(sent + 1, "the client that reads keeps its stream");
      await service.stop();
    }, 120_000);
  });
}

function ownKey(client: number, key: number): string {
  const options = JSON.stringify({ query: { own: `${client}-${key}` } });
  return `flood?options=${encodeURIComponent(options)}`;
}

/** Memory of a process in MB, as Linux counts it. */
function residentMB(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "latin1");
  return Math.round(Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]) / 1024);
}
