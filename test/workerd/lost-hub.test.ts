import { describe, expect, it } from "vitest";
import { createDurableObjectRegistry } from "../../src/registry/durable-object/registry.ts";
import { RecordingSink } from "../support/recording-sink.ts";
import { FakeSocket, fakeHub, upgraded } from "./fake-hub.ts";

describe("a registry that loses a hub", () => {
  it("wakes the hub once, although all its streams end", async () => {
    const sockets: FakeSocket[] = [];
    const waiting: Promise<unknown>[] = [];
    let woken = 0;
    const hub = () =>
      fakeHub({
        fetch: async () => {
          const socket = new FakeSocket();
          sockets.push(socket);
          return upgraded(socket);
        },
        wake: async () => {
          woken += 1;
          if (woken === 1) throw new Error("Network connection lost.");
          return { ok: true, value: null };
        },
      });
    const registry = createDurableObjectRegistry({
      hub,
      shards: 1,
      waitUntil: (promise) => waiting.push(promise),
    });
    for (let count = 0; count < 4; count++) {
      await (await registry.open({})).attach(new RecordingSink());
    }
    sockets[0]?.end("close", "admin");
    expect(woken).toBe(0);
    for (const socket of sockets.slice(1)) socket.end("close", "");
    expect(waiting).toHaveLength(1);
    await Promise.all(waiting);
    expect(woken).toBe(2);
  });
});
