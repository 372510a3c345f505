import type { UIMessageChunk } from "ai";
import { describe, expect, it } from "vitest";
import { PartQueue } from "../../../src/ai/part-queue.ts";
import { within } from "../../support/deadline.ts";

const part = (delta: string): UIMessageChunk => ({ type: "text-delta", id: "1", delta });

describe("the queue of parts", () => {
  it("gives the parts of one message up to 64 KiB, in order, and a larger part alone", async () => {
    const queue = new PartQueue();
    const parts = ["a".repeat(40_000), "b".repeat(30_000), "c", "d".repeat(200_000), "e"].map(part);
    for (const one of parts) await queue.add(one);
    const taken = [queue.take(), queue.take(), queue.take(), queue.take(), queue.take()];
    expect(taken).toEqual([[parts[0]], [parts[1], parts[2]], [parts[3]], [parts[4]], []]);
  });

  it("counts the bytes of UTF-8", async () => {
    const queue = new PartQueue();
    for (const letter of ["é", "ü"]) await queue.add(part(letter.repeat(20_000)));
    expect(queue.take().length).toBe(1);
  });

  it("makes the model wait while more than 1 MiB waits, until there is room", async () => {
    const queue = new PartQueue();
    let added = 0;
    const adding = (async () => {
      for (let n = 0; n < 40; n++) {
        await queue.add(part("x".repeat(60_000)));
        added += 1;
      }
    })();
    await Promise.resolve();
    await new Promise((resolve) => setTimeout(resolve, 0));
    expect(added).toBe(17);
    let taken = 0;
    while (taken < 40) {
      taken += queue.take().length;
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
    await within(adding, 5000, "all parts are added");
    expect(added).toBe(40);
  });

  it("is done when it has ended and all parts were taken, and takes none after its end", async () => {
    const queue = new PartQueue();
    await queue.add(part("a"));
    queue.end();
    await queue.add(part("b"));
    expect(queue.isDone).toBe(false);
    expect(queue.take()).toEqual([part("a")]);
    expect(queue.isDone).toBe(true);
  });

  it("is ready when a part waits, at its end, and after a time", async () => {
    const queue = new PartQueue();
    await within(queue.ready(5), 5000, "the time passes");
    const ready = queue.ready(60_000);
    await queue.add(part("a"));
    await within(ready, 5000, "a part waits");
    queue.take();
    const ended = queue.ready(60_000);
    queue.end();
    await within(ended, 5000, "the queue has ended");
  });

  it("ends the wait for room at its end", async () => {
    const queue = new PartQueue();
    const adding = queue.add(part("x".repeat(2_000_000)));
    queue.end();
    await within(adding, 5000, "the part is added");
  });
});
