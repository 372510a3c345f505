// Measures the CPU time of Redis for each message, and of the processes that read it. Part of bench/cluster.mjs.
import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { RedisSequencer } from "../src/runtimes/process/redis/redis-sequencer.ts";
import { printed } from "./measure.mjs";
import { pocketwire } from "./servers/clusters.mjs";

/** Messages in one call of Redis. */
export const LISTS = [1, 10, 100];
/** Processes that read the messages. */
const READERS = [1, 4];
const APPENDED = 5000;
/** Messages a second while processes read, in lists of `LIST_OF_RATE`. */
const RATES = [500, 5000];
const LIST_OF_RATE = 10;
const SECONDS = 4;
/** JSON with 130 bytes. */
const DATA = JSON.stringify({ text: "x".repeat(119) });
const PREFIX = "bench";

/**
 * Returns, for each size of a list, the CPU time of Redis for a message, and for each number of readers what one reader adds to
 * that, the CPU time of the reader itself, and the bytes that it receives, by rate. Each is a list with a value for each round. Times are
 * in microseconds.
 */
export async function measureRedis(redis, rounds) {
  const appends = new Map(LISTS.map((size) => [size, []]));
  const reads = RATES.flatMap((rate) => READERS.map((readers) => ({ rate, readers, runs: [] })));
  for (let round = 1; round <= rounds; round++) {
    for (const size of LISTS) appends.get(size).push(await appendLists(redis, size));
    for (const { rate, readers, runs } of reads) {
      await redis.flush();
      const alone = await appendAtRate(redis, rate);
      const used = await withReaders(redis, readers, (pid) => appendAtRate(redis, rate, pid));
      runs.push({
        redis: (used.redis - alone.redis) / readers,
        reader: used.readers / readers,
        bytes: (used.bytes - alone.bytes) / readers,
      });
    }
    console.error(`Redis: round ${round} of ${rounds}`);
  }
  return { appends, reads };
}

/** Calls `run` with a function that appends a list of messages. */
async function withSequencer(redis, run) {
  const sequencer = new RedisSequencer({ url: redis.url, prefix: PREFIX });
  let id = 0;
  const append = (size) => {
    const messages = Array.from({ length: size }, () => {
      id += 1;
      return { id: `message-${id}`, topics: ["chat"], data: DATA, private: false };
    });
    return sequencer.append([{ messages }]);
  };
  try {
    // Opens the connection and loads the script.
    await append(1);
    return await run(append);
  } finally {
    await sequencer.close();
  }
}

async function appendLists(redis, size) {
  await redis.flush();
  return withSequencer(redis, async (append) => {
    const before = await redis.cpu();
    for (let sent = 0; sent < APPENDED; sent += size) await append(size);
    return ((await redis.cpu()) - before) / APPENDED;
  });
}

/**
 * Appends lists at a steady rate for some seconds. Returns for a message: the CPU time of Redis and of the readers, and the bytes that Redis
 * has sent.
 *
 * @param rate Messages a second.
 * @param readers Process of the readers, if there are any.
 */
function appendAtRate(redis, rate, readers) {
  return withSequencer(redis, async (append) => {
    const before = await usage(redis, readers);
    const lists = (rate * SECONDS) / LIST_OF_RATE;
    const began = performance.now();
    for (let list = 1; list <= lists; list++) {
      await append(LIST_OF_RATE);
      await pause(Math.max(0, began + (list * LIST_OF_RATE * 1000) / rate - performance.now()));
    }
    const after = await usage(redis, readers);
    const each = (name) => (after[name] - before[name]) / (rate * SECONDS);
    return { redis: each("redis"), readers: each("readers"), bytes: each("bytes") };
  });
}

async function usage(redis, readers) {
  return {
    redis: await redis.cpu(),
    readers: readers === undefined ? 0 : cpuOfTree(readers),
    bytes: await redis.sent(),
  };
}

/** Empties Redis, and calls `run` while Pocketwire processes without clients read the messages. */
async function withReaders(redis, readers, run) {
  await redis.flush();
  const variables = { REDIS_URL: redis.url, REDIS_PREFIX: PREFIX, WORKERS: String(readers) };
  const { command, env, isReady } = pocketwire(variables);
  const [program, ...args] = command;
  const child = spawn(program, args, {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "inherit"],
    // Its own process group, so that the kill below also ends the workers.
    detached: true,
  });
  const ended = new Promise((resolve) => child.once("close", resolve));
  const stop = () => process.kill(-child.pid, "SIGKILL");
  process.on("exit", stop);
  try {
    await printed(child, isReady, "Pocketwire");
    // Starting takes CPU time for a moment longer than the line.
    await pause(1000);
    return await run(child.pid);
  } finally {
    process.off("exit", stop);
    stop();
    await ended;
  }
}

/** CPU time of a process and its child processes, in microseconds. */
function cpuOfTree(pid) {
  let used = 0;
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    const folder = `/proc/${pid}/task/${task}`;
    used += Number(readFileSync(`${folder}/schedstat`, "utf8").split(" ")[0]) / 1000;
    const children = readFileSync(`${folder}/children`, "utf8").split(" ").filter(Boolean);
    for (const child of children) used += cpuOfTree(child);
  }
  return used;
}
