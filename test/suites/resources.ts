import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { publish, readStats } from "../support/api.ts";
import { closeClients } from "../support/clients.ts";
import { eventually } from "../support/deadline.ts";
import {
  countDescriptors,
  NO_DESCRIPTORS,
  openConnections,
  residentBytes,
} from "../support/descriptors.ts";
import { leftOut } from "../support/flags.ts";
import { lookInside } from "../support/measured.ts";
import { type OneConnection, openOneConnection } from "../support/one-connection.ts";
import { type RuntimeUnderTest, type Service, startService } from "../support/service.ts";
import { openStream, type SSEClient } from "../support/sse-client.ts";

const file = (name: string) => fileURLToPath(new URL(`../support/${name}`, import.meta.url));
const HOSTILE_ADDRESS = "127.0.0.2";
const MB = 1024 * 1024;

/** MB that an attack may add to the process: budgets of one address, and garbage that has not been collected. */
const MOST_GROWTH = 400;
/** MB that may be left of the heap: caches, compiled code, the history. */
const MOST_HEAP_LEFT = 40;
/** The longest block of the event loop: milliseconds, or a multiple of the longest block without an attack if that is more. */
const MOST_BLOCK = 200;
const MOST_BLOCK_RATIO = 10;
/** The same for a healthy client's latency, which the attacker's own CPU use increases on a small machine. */
const MOST_WAIT = 800;
const MOST_WAIT_RATIO = 20;
/** Messages that the healthy client gets during an attack. */
const PROBES = 200;

interface Attack {
  readonly kind: "keys" | "unread" | "history";
  readonly title: string;
  /** Published when the attack's streams are subscribed. */
  readonly published?: unknown;
}

const flood = (count: number, length: number) =>
  Array.from({ length: count }, () => ({ topic: "flood", data: "x".repeat(length) }));

const ATTACKS: readonly Attack[] = [
  { kind: "keys", title: "1,000 streams that ask for 1,000 keys each", published: flood(1, 10) },
  {
    kind: "unread",
    title: "300 streams that are not read, with 4 keys each, and a batch of 1 MB",
    published: flood(60, 16_000),
  },
  { kind: "history", title: "reads of a history with topics of 100 levels" },
];

/** The effect of one hostile address on other clients, with default settings. */
export function resourcesSuite(runtime: RuntimeUnderTest): void {
  const why = NO_DESCRIPTORS ?? runtime.noStop;
  describe.skipIf(why !== undefined)(
    leftOut(`one hostile address, on ${runtime.name}`, why),
    () => {
      let service: Service;
      beforeAll(async () => {
        const env = {
          LOG_LEVEL: "info",
          REALTIME_CONNECTS_PER_SECOND: undefined,
          REALTIME_MAX_CLIENTS_PER_ADDRESS: undefined,
        };
        service = await startService(runtime, { env });
        await publishDeepTopics(service.url);
      });
      afterAll(() => service?.stop());
      afterEach(closeClients);

      for (const attack of ATTACKS) {
        it(`${attack.title} neither stop nor stall the service, and leave no files, sockets or memory behind`, async () => {
          const figures = await measure(service, attack);
          console.log(`${runtime.name}, ${attack.kind}: ${JSON.stringify(figures)}`);
          const { before, during, after, quiet } = figures;
          expect(service.process.exitCode).toBeNull();
          expect(during.memory - before.memory).toBeLessThan(MOST_GROWTH);
          expect(after.heap - before.heap).toBeLessThan(MOST_HEAP_LEFT);
          expect(during.block).toBeLessThan(Math.max(MOST_BLOCK, quiet.block * MOST_BLOCK_RATIO));
          const wait = Math.max(during.opening, during.wait);
          expect(wait).toBeLessThan(Math.max(MOST_WAIT, quiet.wait * MOST_WAIT_RATIO));
        }, 120_000);
      }
    },
  );
}

async function publishDeepTopics(url: string): Promise<void> {
  for (let batch = 0; batch < 5; batch++) {
    const messages = Array.from({ length: 400 }, (_, n) => ({
      topic: `${"l/".repeat(99)}${n % 100}`,
      data: "x",
    }));
    expect((await publish(url, messages)).status).toBe(200);
  }
}

async function measure(service: Service, { kind, published }: Attack) {
  const { url } = service;
  const pid = service.process.pid ?? 0;
  const client = await openStream(url, {}, "?topic=probe");
  const operator = openOneConnection(url);
  const probe = new Probe(client, operator);
  // The first run takes longer, because the code is not compiled yet.
  await probe.run(() => probe.count >= PROBES);
  const before = { ...seen(pid, url), heap: (await heapAndBlock(service)).heap };
  probe.takeLongest();
  await probe.run(() => probe.count >= 2 * PROBES);
  const quiet = { wait: probe.takeLongest(), block: (await heapAndBlock(service)).block };

  const hostile = startHostile(url, kind);
  const during = { memory: 0, files: 0, sockets: 0, opening: 0, wait: 0, block: 0 };
  const watch = () => {
    const now = seen(pid, url);
    for (const name of ["memory", "files", "sockets"] as const) {
      during[name] = Math.max(during[name], now[name]);
    }
    return service.process.exitCode !== null || hostile.exitCode() !== null;
  };
  await probe.run(() => watch() || hostile.isReady());
  const end = probe.count + PROBES;
  during.opening = probe.takeLongest();
  const sent = published === undefined ? undefined : publish(url, published);
  await probe.run(() => watch() || probe.count >= end);
  await sent;
  during.wait = probe.takeLongest();
  const statuses = await hostile.end();
  await eventually(
    () => countDescriptors(pid) <= before.files + 2,
    "all file descriptors are released",
    30_000,
  );
  await eventually(
    () => openConnections(Number(new URL(url).port)).size <= before.sockets + 2,
    "all sockets are closed",
  );
  expect(await readStats(url)).toMatchObject({
    clients: 1,
    keyBudget: { used: 1 },
    waitingBytes: 0,
  });
  const { heap, block } = await heapAndBlock(service);
  during.block = block;
  const after = { ...seen(pid, url), heap };
  operator.close();
  return { before, during, after, quiet, statuses };
}

/** As Linux counts it; memory in MB. */
function seen(pid: number, url: string) {
  return {
    memory: Math.round(residentBytes(pid) / MB),
    files: countDescriptors(pid),
    sockets: openConnections(Number(new URL(url).port)).size,
  };
}

/** The heap in MB, and the longest block in milliseconds since the last report. */
async function heapAndBlock(service: Service): Promise<{ heap: number; block: number }> {
  const { heap, block } = await lookInside(service);
  return { heap: Math.round(heap / MB), block };
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
      const message = { topic: "probe", data: "x".repeat(1000) };
      const { status } = await this.#operator.send("/api/realtime/messages", message);
      expect(status).toBe(200);
      await this.#client.receive(this.count, `message ${this.count}`);
      this.#longest = Math.max(this.#longest, performance.now() - start);
    }
  }

  /** Milliseconds since the last call. */
  takeLongest(): number {
    const longest = Math.round(this.#longest);
    this.#longest = 0;
    return longest;
  }
}

function startHostile(url: string, kind: string) {
  const args = ["--import", "tsx", file("hostile.ts"), url, HOSTILE_ADDRESS, kind];
  const child = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "inherit"] });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  return {
    exitCode: () => child.exitCode,
    isReady: () => output.includes('"ready"'),
    /** Resolves with the statuses that the attacker received. */
    end: async (): Promise<unknown> => {
      child.stdin.end();
      try {
        await eventually(() => child.exitCode !== null, "the attack ends", 30_000);
      } finally {
        child.kill("SIGKILL");
      }
      return JSON.parse(output.trim().split("\n").at(-1) ?? "").statuses;
    },
  };
}
