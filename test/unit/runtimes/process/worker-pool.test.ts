import type { ChildProcess } from "node:child_process";
import { EventEmitter } from "node:events";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { LogFields, Logger } from "../../../../src/realtime/types.ts";
import type { DrainMessage, WorkerMessage } from "../../../../src/runtimes/process/worker-link.ts";
import { WorkerPool } from "../../../../src/runtimes/process/worker-pool.ts";
import { NO_FAKE_TIME } from "../../../support/fake-time.ts";
import { leftOut } from "../../../support/flags.ts";

/** A process that does what the test says. */
class FakeProcess extends EventEmitter {
  readonly worker: number;
  readonly pid: number;
  readonly connected = true;
  readonly received: DrainMessage[] = [];
  isAlive = true;

  constructor(worker: number, pid: number) {
    super();
    this.worker = worker;
    this.pid = pid;
  }

  send(message: DrainMessage): boolean {
    this.received.push(message);
    return true;
  }

  kill(signal: NodeJS.Signals): boolean {
    this.end(null, signal);
    return true;
  }

  tell(message: WorkerMessage): void {
    this.emit("message", message);
  }

  listen(): void {
    this.tell({ type: "listening", url: "http://127.0.0.1:1" });
  }

  end(code: number | null, signal: NodeJS.Signals | null = null): void {
    if (!this.isAlive) return;
    this.isAlive = false;
    this.emit("exit", code, signal);
  }
}

const DRAIN = 6000;

function createPool(count: number) {
  const processes: FakeProcess[] = [];
  const lines: { msg: string; fields: LogFields | undefined }[] = [];
  const gaveUp: string[] = [];
  const add = (msg: string, fields?: LogFields) => void lines.push({ msg, fields });
  const logger: Logger = { debug: add, info: add, warn: add, error: add };
  const pool = new WorkerPool({
    count,
    launch: (worker) => {
      const process = new FakeProcess(worker, 100 + processes.length);
      processes.push(process);
      // The cast: the pool uses only what the fake has.
      return process as unknown as ChildProcess;
    },
    logger,
    drainTimeout: DRAIN,
    onGiveUp: (reason) => gaveUp.push(reason),
  });
  const at = (index: number): FakeProcess => {
    const process = processes.at(index);
    if (process === undefined) throw new Error(`No process ${index} was started`);
    return process;
  };
  return { pool, processes, at, lines, gaveUp };
}

/** Starts a pool of which all workers listen. */
async function startPool(count: number) {
  const made = createPool(count);
  const started = made.pool.start();
  made.at(0).listen();
  await vi.advanceTimersByTimeAsync(0);
  for (const process of made.processes.slice(1)) process.listen();
  return { ...made, url: await started };
}

const pass = (milliseconds: number) => vi.advanceTimersByTimeAsync(milliseconds);

describe.skipIf(NO_FAKE_TIME)(leftOut("the pool of workers", NO_FAKE_TIME), () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("starts the other workers when the first one listens", async () => {
    const { pool, processes, at } = createPool(3);
    const started = pool.start();
    await pass(1000);
    expect(processes).toHaveLength(1);
    at(0).listen();
    await pass(0);
    expect(processes.map(({ worker }) => worker)).toEqual([1, 2, 3]);
    at(1).listen();
    at(2).listen();
    expect(await started).toBe("http://127.0.0.1:1");
  });

  it("fails if the first worker ends before it listens", async () => {
    const { pool, at, processes } = createPool(3);
    const started = expect(pool.start()).rejects.toThrow(
      "Worker 1 ended with code 1 before it was listening.",
    );
    at(0).end(1);
    await started;
    await pass(60_000);
    expect(processes).toHaveLength(1);
  });

  it("replaces a worker that has ended, under the same number", async () => {
    const { at, processes, lines } = await startPool(2);
    await pass(20_000);
    at(1).end(null, "SIGKILL");
    await pass(99);
    expect(processes).toHaveLength(2);
    await pass(1);
    expect(at(2).worker).toBe(2);
    expect(lines).toEqual([
      {
        msg: "a worker has ended and is restarted",
        fields: expect.objectContaining({ worker: 2, pid: 101, signal: "SIGKILL" }),
      },
    ]);
  });

  it("waits twice as long after each failure in a row, up to ten seconds, while another worker is stable", async () => {
    const { at, lines, gaveUp } = await startPool(2);
    await pass(10_000);
    for (let failure = 0; failure < 9; failure++) {
      at(-1).end(1);
      await pass(10_000);
    }
    const pauses = lines.map(({ fields }) => fields?.restartInMs);
    expect(pauses).toEqual([100, 100, 200, 400, 800, 1600, 3200, 6400, 10_000]);
    expect(gaveUp).toEqual([]);
  });

  it("forgets failures after ten seconds without one", async () => {
    const { at, lines } = await startPool(2);
    await pass(10_000);
    for (let failure = 0; failure < 3; failure++) {
      at(-1).end(1);
      await pass(1000);
    }
    at(-1).listen();
    await pass(10_000);
    at(-1).end(1);
    expect(lines.map(({ fields }) => fields?.restartInMs)).toEqual([100, 100, 200, 100]);
  });

  it("gives up after five failures of a worker in a row if no other worker is stable", async () => {
    const { at, processes, gaveUp } = await startPool(2);
    for (let failure = 0; failure < 5; failure++) {
      expect(gaveUp).toEqual([]);
      at(-1).end(1);
      await pass(1000);
    }
    expect(gaveUp).toEqual([
      "Worker 2 ended 5 times in a row soon after its start, and no other worker has been running for long.",
    ]);
    const { length } = processes;
    await pass(60_000);
    expect(processes).toHaveLength(length);
  });

  it("stops the workers one after the other", async () => {
    const { pool, at } = await startPool(2);
    const closed = pool.close("SIGTERM");
    await pass(0);
    expect(at(0).received).toEqual([{ type: "drain", reason: "SIGTERM" }]);
    expect(at(1).received).toEqual([]);
    at(0).end(0);
    await pass(0);
    expect(at(1).received).toHaveLength(1);
    at(1).end(0);
    await closed;
  });

  it("goes on to the next worker after an equal share of the time, and kills a worker that takes too long", async () => {
    const { pool, at } = await startPool(3);
    const closed = pool.close("SIGTERM");
    await pass(DRAIN / 3 - 1);
    expect(at(1).received).toEqual([]);
    await pass(1);
    expect(at(1).received).toHaveLength(1);
    expect(at(2).received).toEqual([]);
    await pass(DRAIN + 2000 - DRAIN / 3 - 1);
    expect(at(0).isAlive).toBe(true);
    await pass(1);
    expect(at(0).isAlive).toBe(false);
    await pass(2 * DRAIN);
    await closed;
    expect([at(1).isAlive, at(2).isAlive]).toEqual([false, false]);
  });

  it("drains and replaces a worker that received a signal", async () => {
    const { at, processes, lines } = await startPool(2);
    at(0).tell({ type: "signal", signal: "SIGTERM" });
    await pass(0);
    expect(at(0).received).toEqual([{ type: "drain", reason: "SIGTERM" }]);
    at(0).end(0);
    await pass(0);
    expect(processes).toHaveLength(3);
    expect(at(2).worker).toBe(1);
    expect(lines.map(({ msg }) => msg)).toEqual(["a worker has stopped and is replaced"]);
  });

  it("drains no replacement of a worker that ended while its drain waited", async () => {
    const { at } = await startPool(2);
    at(0).tell({ type: "signal", signal: "SIGTERM" });
    at(1).tell({ type: "signal", signal: "SIGTERM" });
    await pass(0);
    at(1).end(1);
    await pass(200);
    at(2).listen();
    at(0).end(0);
    await pass(0);
    expect([at(2).isAlive, at(2).received]).toEqual([true, []]);
  });

  it("kills a worker that is still starting when the service stops, and restarts none", async () => {
    const { pool, at, processes } = await startPool(2);
    at(1).end(1);
    await pass(100);
    const closed = pool.close("SIGTERM");
    await pass(0);
    at(0).end(0);
    await closed;
    expect(at(2).isAlive).toBe(false);
    await pass(60_000);
    expect(processes).toHaveLength(3);
  });
});
