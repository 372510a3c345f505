import { afterEach, describe, expect, it, vi } from "vitest";
import { RequestQueue } from "../../../../src/api/middleware/request-queue.ts";

describe("requests that arrive in one turn of the event loop", () => {
  afterEach(() => void vi.restoreAllMocks());

  it("begin at once for some milliseconds, then one in each turn, in their order", async () => {
    let now = 0;
    vi.spyOn(performance, "now").mockImplementation(() => now);
    const turns: (() => void)[] = [];
    const queue = new RequestQueue((run) => void turns.push(run));
    const passed: number[] = [];
    const arrive = async (request: number) => {
      await queue.enter();
      passed.push(request);
      now += 3;
    };
    const nextTurn = async () => {
      turns.shift()?.();
      await Promise.resolve();
      await Promise.resolve();
    };
    for (let request = 0; request < 5; request++) {
      void arrive(request);
      await Promise.resolve();
    }
    expect(passed).toEqual([0, 1]);
    await nextTurn();
    expect(passed).toEqual([0, 1, 2]);
    // The queue is first.
    void arrive(5);
    await nextTurn();
    await nextTurn();
    await nextTurn();
    expect(passed).toEqual([0, 1, 2, 3, 4, 5]);
    await nextTurn();
    expect(turns).toEqual([]);
    expect(queue.enter()).toBeUndefined();
  });

  it("never wait where the runtime has no turns", () => {
    const queue = new RequestQueue(undefined);
    for (let request = 0; request < 3; request++) expect(queue.enter()).toBeUndefined();
  });
});
