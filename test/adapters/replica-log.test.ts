import { afterEach, describe, expect, it } from "vitest";
import type { MessageLog } from "../../src/log/log.ts";
import { openReplicaLog } from "../../src/log/replica/replica-log.ts";
import { parseCursor } from "../../src/realtime/cursor.ts";
import type { Message } from "../../src/realtime/types.ts";
import { eventually, within } from "../support/deadline.ts";
import { type FakeSequencer, FakeSequencerServer } from "../support/fake-sequencer.ts";

const logs: MessageLog[] = [];
afterEach(async () => {
  for (const log of logs.splice(0)) {
    await log.close();
    await log.release?.();
  }
});

interface Opened {
  readonly log: MessageLog;
  readonly sequencer: FakeSequencer;
  readonly heard: string[];
}

/** Opens the log of one process. A page without entries takes a moment, as with a server that waits for entries. */
async function open(server: FakeSequencerServer): Promise<Opened> {
  const sequencer = server.connect();
  const after = sequencer.after.bind(sequencer);
  sequencer.after = async (place) => {
    const entries = await after(place);
    if (entries.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    return entries;
  };
  const log = await openReplicaLog({ sequencer });
  logs.push(log);
  const heard: string[] = [];
  log.tail((entries) => heard.push(...entries.map(({ message }) => message.id)));
  return { log, sequencer, heard };
}

function message(id: string): Message {
  return { id, topics: ["chat"], data: "1", private: false };
}

/** The cursor of the newest message of a log. */
function newest({ log }: Opened) {
  const cursor = parseCursor(log.cursor());
  if (cursor === undefined) throw new Error("The log has no cursor.");
  return cursor;
}

describe("a client that comes from a process that is ahead", () => {
  it("waits until this process has received the same messages", async () => {
    const server = new FakeSequencerServer();
    const [ahead, behind] = [await open(server), await open(server)];
    behind.sequencer.emptyPages = 10;
    await ahead.log.append([message("m1")]);
    const cursor = newest(ahead);
    expect(behind.log.hasReached(cursor)).toBe(false);
    await within(Promise.resolve(behind.log.catchUp?.(cursor)), 5000, "the process catches up");
    expect(behind.log.hasReached(cursor)).toBe(true);
    expect(behind.heard).toEqual(["m1"]);
  });

  it("waits also for an epoch that this process does not know yet", async () => {
    const server = new FakeSequencerServer();
    const [ahead, behind] = [await open(server), await open(server)];
    server.restart();
    await ahead.log.append([message("m1")]);
    const cursor = newest(ahead);
    await within(Promise.resolve(behind.log.catchUp?.(cursor)), 5000, "the process catches up");
    expect(behind.log.hasReached(cursor)).toBe(true);
  });

  it("does not wait for a position that does not exist", async () => {
    const server = new FakeSequencerServer();
    const { log } = await open(server);
    await log.append([message("m1")]);
    const cursor = parseCursor(log.cursor());
    if (cursor === undefined) throw new Error("The log has no cursor.");
    await log.catchUp?.({ ...cursor, sequence: 2 });
    await log.catchUp?.({ ...cursor, epoch: "other" });
    expect(log.catchUp?.(cursor)).toBeUndefined();
    expect(log.hasReached({ ...cursor, epoch: "other" })).toBe(false);
  });

  it("is asked to come back while the sequencer can't be reached, and not told that its position is lost", async () => {
    const server = new FakeSequencerServer();
    const [ahead, behind] = [await open(server), await open(server)];
    behind.sequencer.isCut = true;
    await ahead.log.append([message("m1")]);
    const waiting = Promise.resolve(behind.log.catchUp?.(newest(ahead)));
    await expect(waiting).rejects.toMatchObject({ code: "unreachable" });
  });
});

describe("a log over several processes", () => {
  it("sends the batches that arrive during a call in the next call, in their order", async () => {
    const server = new FakeSequencerServer();
    const { log, sequencer, heard } = await open(server);
    const sizes: number[] = [];
    const append = sequencer.append.bind(sequencer);
    sequencer.append = async (batches) => {
      sizes.push(batches.length);
      await new Promise((resolve) => setTimeout(resolve, 20));
      return append(batches);
    };
    const appended = Array.from({ length: 10 }, async (_, index) => {
      if (index > 4) await new Promise((resolve) => setTimeout(resolve, 5));
      return log.append([message(`m${index}`)]);
    });
    await Promise.all(appended);
    expect(sizes).toEqual([5, 5]);
    expect(heard).toEqual(Array.from({ length: 10 }, (_, index) => `m${index}`));
  });

  it("refuses messages at once while the sequencer can't be reached, is not ready, and recovers by itself", async () => {
    const server = new FakeSequencerServer();
    const { log, sequencer, heard } = await open(server);
    sequencer.isCut = true;
    await expect(log.append([message("m1")])).rejects.toMatchObject({ code: "unreachable" });
    await eventually(() => isNotReady(log), "the process is not ready");
    sequencer.isCut = false;
    await eventually(() => !isNotReady(log), "the process is ready again");
    await log.append([message("m1")]);
    expect(heard).toEqual(["m1"]);
  });
});

describe("what changes while entries are lost or a server is not ready yet", () => {
  it("knows the revocations that arrive after the log is open and before a server follows them", async () => {
    const server = new FakeSequencerServer();
    const [{ log }, other] = [await open(server), await open(server)];
    await other.sequencer.revoke("anna");
    await log.append([message("m1")]);
    const subjects = log.sharedRevocations?.all().map(({ subject }) => subject);
    expect(subjects).toEqual(["anna"]);
    const followed: string[] = [];
    log.sharedRevocations?.follow(({ subject }) => followed.push(subject));
    await other.sequencer.revoke("bert");
    await eventually(() => followed.includes("bert"), "the revocation is announced");
    expect(followed).toEqual(["bert"]);
  });

  it("counts the messages of an erasure, not those of a lost erasure at the same place", async () => {
    const server = new FakeSequencerServer();
    const { log } = await open(server);
    await log.append([message("m1"), message("m2")]);
    const copy = server.copy();
    expect(await log.erase("chat")).toBe(2);
    server.restore(copy);
    const isRestored = async () => (await log.read(undefined, 10))?.entries.length === 2;
    await eventually(isRestored, "the process has the restored messages");
    expect(await log.erase("chat")).toBe(2);
  });
});

function isNotReady(log: MessageLog): boolean {
  try {
    log.assertWritable?.();
    return false;
  } catch {
    return true;
  }
}
