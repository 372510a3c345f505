import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it } from "vitest";
import { closeClients } from "../support/clients.ts";
import { eventually, within } from "../support/deadline.ts";
import { countDescriptors, NO_DESCRIPTORS } from "../support/descriptors.ts";
import { leftOut } from "../support/flags.ts";
import { type OneConnection, openOneConnection } from "../support/one-connection.ts";
import { type RuntimeUnderTest, startService } from "../support/service.ts";
import { openStream, type SSEClient } from "../support/sse-client.ts";

const program = fileURLToPath(new URL("../support/hostile.ts", import.meta.url));
const HOSTILE_ADDRESS = "127.0.0.2";
const SECONDS = 10;
/** MB that the attack may add: budgets of one address, and garbage that is not collected yet. */
const MOST_GROWTH = 400;
/** Milliseconds that a healthy client may wait under the attack, or so many times what it waits without, if that is more. */
const MOST_STALL = 200;
const MOST_RATIO = 20;

/** What one hostile address costs everybody else, with default settings. */
export function resourcesSuite(runtime: RuntimeUnderTest): void {
  const why = NO_DESCRIPTORS ?? runtime.noStop;
  describe.skipIf(why !== undefined)(
    leftOut(`one hostile address, on ${runtime.name}`, why),
    () => {
      afterEach(closeClients);

      it("neither ends nor stalls the service, and leaves nothing behind", async () => {
        const env = {
          LOG_LEVEL: "info",
          REALTIME_CONNECTS_PER_SECOND: undefined,
          REALTIME_MAX_CLIENTS_PER_ADDRESS: undefined,
        };
        const service = await startService(runtime, { env });
        const { url } = service;
        const pid = service.process.pid ?? 0;
        const client = await openStream(url, {}, "?topic=probe");
        const operator = openOneConnection(url);
        const probe = new Probe(client, operator);
        await probe.run(() => probe.count >= 60);
        const quiet = probe.takeLongest();
        const before = { memory: residentMB(pid), files: countDescriptors(pid) };
        const hostile = startHostile(url);
        let peak = { memory: 0, files: 0 };
        await probe.run(() => {
          const { memory, files } = peak;
          peak = {
            memory: Math.max(memory, residentMB(pid)),
            files: Math.max(files, countDescriptors(pid)),
          };
          return hostile.isOver();
        });
        const attacked = probe.takeLongest();
        const figures = {
          before,
          peak,
          longestStall: { quiet, attacked },
          hostile: hostile.output(),
        };
        console.log(`${runtime.name}: ${JSON.stringify(figures)}`);
        expect(service.process.exitCode).toBeNull();
        expect(peak.memory - before.memory).toBeLessThan(MOST_GROWTH);
        expect(attacked).toBeLessThan(Math.max(MOST_STALL, quiet * MOST_RATIO));
        await eventually(() => countDescriptors(pid) <= before.files + 2, "all files are back");
        operator.close();
        await service.stop();
      }, 120_000);
    },
  );
}

/** Publishes messages one by one, and measures how long each takes to a client. */
class Probe {
  count = 0;
  #longest = 0;
  readonly #client: SSEClient;
  readonly #operator: OneConnection;

  constructor(client: SSEClient, operator: OneConnection) {
    this.#client = client;
    this.#operator = operator;
  }

  async run(isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      this.count += 1;
      const start = performance.now();
      const { status } = await this.#operator.send("/api/realtime/messages", {
        topic: "probe",
        data: "x".repeat(1000),
      });
      expect(status).toBe(200);
      await this.#client.receive(this.count, `message ${this.count}`);
      this.#longest = Math.max(this.#longest, performance.now() - start);
    }
  }

  /** Milliseconds, since it was asked last. */
  takeLongest(): number {
    const longest = Math.round(this.#longest);
    this.#longest = 0;
    return longest;
  }
}

function startHostile(url: string) {
  const args = ["--import", "tsx", program, url, HOSTILE_ADDRESS, String(SECONDS)];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  let output: string | undefined;
  within(text(child.stdout), 60_000, "the attack ends").then(
    (all) => {
      output = all.trim();
    },
    () => child.kill("SIGKILL"),
  );
  return { isOver: () => child.exitCode !== null && output !== undefined, output: () => output };
}

/** Memory of a process in MB, as Linux counts it. */
function residentMB(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "latin1");
  return Math.round(Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]) / 1024);
}
