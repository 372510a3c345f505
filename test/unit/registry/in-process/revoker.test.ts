import { beforeEach, describe, expect, it } from "vitest";
import type { MessageLog, RevocationStore, StoredRevocation } from "../../../../src/log/log.ts";
import { createMemoryLog } from "../../../../src/log/memory.ts";
import { storageFailed } from "../../../../src/log/storage-failed.ts";
import { RealtimeManager } from "../../../../src/realtime/manager.ts";
import { createInProcessRegistry } from "../../../../src/registry/in-process/registry.ts";
import type { ClientRegistry } from "../../../../src/registry/registry.ts";
import { RecordingSink } from "../../../support/recording-sink.ts";

describe("a registry over a log that stores revocations", () => {
  let stored: Map<string, number>;
  let calls: string[];
  let isFull: boolean;
  let now: number;
  beforeEach(() => {
    stored = new Map();
    calls = [];
    isFull = false;
    now = 1_000_000_000_000;
  });

  const store: RevocationStore = {
    all: () => [...stored].map(([subject, at]) => ({ subject, at })),
    set: (subject, at) => {
      calls.push(`set ${subject}`);
      if (isFull) throw storageFailed(new Error("full"));
      stored.set(subject, at);
    },
    remove: (subject) => void stored.delete(subject),
  };

  function open(): ClientRegistry {
    const memory = createMemoryLog();
    const log: MessageLog = Object.assign(memory, {
      readBack: (...request: Parameters<MessageLog["readBack"]>) => {
        calls.push("read");
        return Object.getPrototypeOf(memory).readBack.apply(memory, request);
      },
      revocations: store,
      release: () => void calls.push("release"),
    });
    return createInProcessRegistry({
      manager: new RealtimeManager({ now: () => now }),
      log,
      now: () => now,
    });
  }

  const anna = (issuedAt: number) => ({ identity: "anna", issuedAt });

  it("refuses after a restart what was revoked before, and accepts newer credentials", async () => {
    const before = open();
    await before.revoke({ subject: "anna" });
    expect([...stored]).toEqual([["anna", now]]);
    await before.close();
    const after = open();
    await expect(after.open(anna(now))).rejects.toMatchObject({ code: "revoked" });
    await after.open(anna(now + 1));
    await after.close();
  });

  it("stores a revocation before it disconnects the clients, which reconnect at once", async () => {
    const registry = open();
    const sink = new RecordingSink();
    const close = sink.close.bind(sink);
    sink.close = (reason) => {
      calls.push(`close ${reason}`);
      close(reason);
    };
    await (await registry.open(anna(now))).attach(sink);
    expect(await registry.revoke({ subject: "anna" })).toBe(1);
    expect(calls).toEqual(["set anna", "close revoked"]);
    await registry.close();
  });

  it("disconnects and refuses also when the disk is full, and says that the revocation is not stored", async () => {
    const registry = open();
    await (await registry.open(anna(now))).attach(new RecordingSink());
    isFull = true;
    await expect(registry.revoke({ subject: "anna" })).rejects.toMatchObject({
      code: "storage_failed",
    });
    expect((await registry.stats()).clients).toBe(0);
    await expect(registry.open(anna(now))).rejects.toMatchObject({ code: "revoked" });
    await registry.close();
  });

  it("deletes revocations that are forgotten, also at a start", async () => {
    const month = 30 * 86_400_000;
    const registry = open();
    await registry.revoke({ subject: "anna" });
    now += month;
    await registry.revoke({ subject: "bert" });
    expect([...stored.keys()]).toEqual(["bert"]);
    stored = new Map([
      ["old", now - month],
      ["new", now],
    ]);
    await registry.close();
    await open().close();
    expect([...stored.keys()]).toEqual(["new"]);
  });

  it("releases the log once, after its last read, and refuses further reads", async () => {
    const registry = open();
    await registry.publish([{ id: "1", topics: ["a"], data: "1", private: false }]);
    const read = registry.history({ topics: ["a"], limit: 1 });
    await Promise.all([registry.close(), registry.close()]);
    expect((await read).messages).toHaveLength(1);
    expect(calls).toEqual(["read", "release"]);
    await expect(registry.history({ topics: ["a"], limit: 1 })).rejects.toMatchObject({
      code: "closed",
    });
    await expect(registry.stats()).rejects.toMatchObject({ code: "closed" });
  });
});

describe("a registry over a log that several processes share", () => {
  const now = 1_000_000_000_000;
  const anna = { subject: "anna", at: now - 1000 };
  /** More revocations than the number of which counts are remembered. */
  const all = [
    anna,
    ...Array.from({ length: 200 }, (_, index) => ({ subject: `${index}`, at: now })),
  ];

  function open() {
    const listeners: ((revocation: StoredRevocation) => void)[] = [];
    const log: MessageLog = Object.assign(createMemoryLog(), {
      sharedRevocations: {
        all: () => all,
        revoke: async (subject: string) => ({ subject, at: now }),
        follow: (listener: (revocation: StoredRevocation) => void) => void listeners.push(listener),
      },
    });
    const manager = new RealtimeManager({ now: () => now });
    const registry = createInProcessRegistry({ manager, log, now: () => now });
    const announce = (revocation: StoredRevocation) => {
      for (const listener of listeners) listener(revocation);
    };
    return { registry, announce };
  }

  it("does not disconnect a client that has signed in since when old revocations are announced again", async () => {
    const { registry, announce } = open();
    await (await registry.open({ identity: "anna", issuedAt: now - 500 })).attach(
      new RecordingSink(),
    );
    for (const revocation of all) announce(revocation);
    expect((await registry.stats()).clients).toBe(1);
    announce({ subject: "anna", at: now });
    expect((await registry.stats()).clients).toBe(0);
    await registry.close();
  });

  it("keeps the latest revocation of a subject when an older one is announced again", async () => {
    const { registry, announce } = open();
    announce({ subject: "anna", at: now });
    for (const revocation of all) announce(revocation);
    const opened = Promise.resolve(registry.open({ identity: "anna", issuedAt: now - 500 }));
    await expect(opened).rejects.toMatchObject({ code: "revoked" });
    await registry.close();
  });
});
