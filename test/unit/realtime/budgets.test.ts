import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createMemoryLog } from "../../../src/log/memory.ts";
import { RealtimeError } from "../../../src/realtime/errors.ts";
import { RealtimeManager } from "../../../src/realtime/manager.ts";
import type { FrameSink } from "../../../src/realtime/types.ts";
import { WaitingBudget, type WaitingBytes } from "../../../src/stream/waiting-budget.ts";
import { message } from "../../support/history-under-test.ts";

const LIMITS = { maxClients: 6, maxClientsPerAddress: 4, maxKeys: 15, maxKeysPerAddress: 9 };
const HISTORY = { messages: 8, bytes: 1500, maxAge: 60_000 };
const MAX_WAITING = 1500;
const MAX_WAITING_PER_ADDRESS = 1000;

/** A sink that drains when the test says so. */
class LazySink implements FrameSink {
  bufferedBytes = 0;
  readonly #waiting: WaitingBytes;
  #isClosed = false;

  constructor(budget: WaitingBudget, network: string) {
    this.#waiting = budget.open({ network, onEvicted: () => this.close() });
  }

  write(frame: Uint8Array): boolean {
    if (!this.#isClosed) this.#waiting.add(frame);
    return !this.#isClosed;
  }

  take(): void {
    this.#waiting.clear();
  }

  close(): void {
    this.#isClosed = true;
    this.take();
  }

  onDrain(): void {}
}

const anyStep = fc.record({
  does: fc.constantFrom("connect", "subscribe", "publish", "publish", "publish", "take", "leave"),
  client: fc.nat(7),
  keys: fc.array(fc.constantFrom("a", "a/*", "b", "*", "a?own=1", "b?own=2"), { maxLength: 6 }),
  topic: fc.constantFrom("a", "a/b", "b"),
  size: fc.nat(600),
});

describe("all budgets together", () => {
  it("hold for any mix of clients, keys, waiting bytes and history, and are empty when all have left", async () => {
    const property = fc.asyncProperty(
      fc.array(anyStep, { minLength: 20, maxLength: 100 }),
      async (steps) => {
        // Deliveries are interrupted after each client.
        const manager = new RealtimeManager(LIMITS, 0);
        const log = createMemoryLog({ history: HISTORY });
        const budget = new WaitingBudget(MAX_WAITING, MAX_WAITING_PER_ADDRESS);
        const sinks = new Map<string, LazySink>();
        manager.follow(log);
        for (const [index, { does, client, keys, topic, size }] of steps.entries()) {
          const clientId = `client ${client}`;
          const ip = `192.0.2.${client % 2}`;
          try {
            if (does === "connect") {
              const sink = new LazySink(budget, ip);
              manager.registerClient(clientId, sink, { ip });
              manager.setSubscriptions(clientId, { ip, subscriptions: keys });
              sinks.set(clientId, sink);
            } else if (does === "subscribe") {
              manager.setSubscriptions(clientId, { ip, subscriptions: keys });
            } else if (does === "publish") {
              await log.append([message(`m${index}`, topic, { data: `"${"x".repeat(size)}"` })]);
              await manager.settled();
            } else if (does === "take") {
              sinks.get(clientId)?.take();
            } else {
              manager.removeClient(clientId);
            }
          } catch (error) {
            expect(error).toBeInstanceOf(RealtimeError);
          }
          const { clients, keyBudget } = manager.stats();
          const { messages, bytes } = await log.stats();
          expect(clients).toBeLessThanOrEqual(LIMITS.maxClients);
          expect(keyBudget.used).toBeLessThanOrEqual(LIMITS.maxKeys);
          expect(budget.bytes).toBeLessThanOrEqual(MAX_WAITING);
          expect(messages).toBeLessThanOrEqual(HISTORY.messages);
          expect(bytes).toBeLessThanOrEqual(HISTORY.bytes);
        }
        for (const clientId of manager.getAllClientIds()) manager.removeClient(clientId);
        expect(manager.stats().keyBudget.used).toBe(0);
        expect(budget.bytes).toBe(0);
      },
    );
    await fc.assert(property, { numRuns: 60 });
  });
});
