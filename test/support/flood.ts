/**
 * A program that runs on each runtime: it appends a million messages to a memory log of the default size, with a live client, and
 * prints the remaining memory as one line of JSON.
 */
import { createMemoryLog } from "../../src/log/memory.ts";
import { RealtimeManager } from "../../src/realtime/manager.ts";
import type { FrameSink, Message } from "../../src/realtime/types.ts";
import { settledHeap } from "./heap.ts";

/** Ten times the capacity of the history and of the remembered ids, so that both are full. */
const WARM_UP = 100_000;
const ALL = 1_000_000;
const BATCH = 500;

const log = createMemoryLog();
const manager = new RealtimeManager();
manager.follow(log);

let frames = 0;
const sink: FrameSink = {
  write: () => {
    frames += 1;
    return true;
  },
  bufferedBytes: 0,
  onDrain: () => {},
  close: () => {},
};
manager.registerClient("0-reader", sink);
manager.setSubscriptions("0-reader", { subscriptions: ["chat/*"] });

const idOf = (index: number) => `id-${index}`;

function message(index: number): Message {
  const data = JSON.stringify({ index, text: "x".repeat(50) });
  return { id: idOf(index), topics: [`chat/${index % 100}`], data, private: false };
}

let accepted = 0;
/** Appends until `count` messages have been accepted, and sometimes yields to the event loop, as a server does. */
async function floodTo(count: number): Promise<void> {
  while (accepted < count) {
    const batch = Array.from({ length: BATCH }, (_, index) => message(accepted + index));
    await log.append(batch);
    accepted += BATCH;
    if (accepted % 10_000 === 0) await new Promise((resolve) => setTimeout(resolve));
  }
  await manager.settled();
}

/** Whether the log still remembers the id of an accepted message. */
async function isKnown(index: number): Promise<boolean> {
  const [receipt] = await log.append([message(index)]);
  return receipt?.duplicate === true;
}

await floodTo(WARM_UP);
const heapBefore = await settledHeap();
await floodTo(ALL);
const heapAfter = await settledHeap();
const { messages, bytes } = await log.stats();
const delivered = frames;
const newestIsKnown = await isKnown(ALL - 1);
// Well beyond the 10,000 remembered ids, and within the five minutes for which ids are remembered.
const oldIsKnown = await isKnown(ALL - 20_000);
console.log(
  JSON.stringify({
    accepted,
    delivered,
    messages,
    bytes,
    newestIsKnown,
    oldIsKnown,
    heapBefore,
    heapAfter,
    growth: heapAfter - heapBefore,
  }),
);
process.exit(0);
