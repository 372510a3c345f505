import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Message } from "../../../src/realtime/types.ts";
import { FailingDatabase } from "../../support/failing-database.ts";

const message = (id: string, data = "1"): Message => ({ id, topics: ["a"], data, private: false });

const diskFull = () =>
  Object.assign(new Error("database or disk is full"), { code: "SQLITE_FULL" });

let database: FailingDatabase;
beforeEach(() => {
  vi.useFakeTimers();
  database = new FailingDatabase();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("GroupCommitLog", () => {
  it("appends the batches of one turn in one transaction, and answers each of them", async () => {
    const log = database.open();
    const answers = [log.append([message("1"), message("2")]), log.append([message("3")])];
    expect(database.transactions).toEqual([]);
    database.turn();
    expect(await Promise.all(answers)).toEqual([
      [
        { id: "1", duplicate: false },
        { id: "2", duplicate: false },
      ],
      [{ id: "3", duplicate: false }],
    ]);
    expect(database.transactions).toEqual([["1,2", "3"]]);
    const later = log.append([message("4")]);
    database.turn();
    await later;
    expect(database.transactions).toEqual([["1,2", "3"], ["4"]]);
  });

  it("refuses only the batch that reuses an id", async () => {
    const log = database.open();
    const answers = Promise.allSettled([
      log.append([message("1")]),
      log.append([message("2"), message("1", "other")]),
      log.append([message("3")]),
    ]);
    database.turn();
    const [first, second, third] = await answers;
    expect([first?.status, second?.status, third?.status]).toEqual([
      "fulfilled",
      "rejected",
      "fulfilled",
    ]);
    expect(second).toMatchObject({ reason: { code: "id_reused" } });
  });

  it("refuses every batch of a transaction that fails, and appends again when the disk does", async () => {
    const log = database.open();
    const tailed: string[] = [];
    log.tail((entries) => tailed.push(...entries.map((entry) => entry.message.id)));
    database.error = diskFull();
    const answers = Promise.allSettled([log.append([message("1")]), log.append([message("2")])]);
    database.turn();
    for (const answer of await answers) {
      expect(answer).toMatchObject({ status: "rejected", reason: { code: "storage_failed" } });
    }
    expect(() => log.assertWritable()).toThrowError(
      expect.objectContaining({ code: "storage_failed" }),
    );
    expect(tailed).toEqual([]);
    expect(database.notes).toEqual([]);
    database.error = undefined;
    const answer = log.append([message("1")]);
    database.turn();
    expect(await answer).toEqual([{ id: "1", duplicate: false }]);
    expect(tailed).toEqual(["1"]);
    log.assertWritable();
    expect(database.notes).toEqual(["the data can be stored again"]);
  });

  it("logs the database's error of a failed write, and nothing of the messages", async () => {
    const log = database.open();
    database.error = diskFull();
    const answer = log.append([message("id-1", '"secret"')]);
    answer.catch(() => {});
    database.turn();
    await expect(answer).rejects.toThrow("can't write to its disk");
    expect(database.errors).toEqual([
      ["the data can't be stored", { error: "Error: database or disk is full" }],
    ]);
  });

  it("splits a turn with more than 1,000 messages into several transactions, each in a turn of its own", async () => {
    const log = database.open();
    const answers = Array.from({ length: 5 }, (_, batch) =>
      log.append(Array.from({ length: 400 }, (__, index) => message(`${batch}-${index}`))),
    );
    const sizes = () => database.transactions.map((batches) => batches.length);
    database.turn();
    expect(sizes()).toEqual([2]);
    database.turn();
    database.turn();
    database.turn();
    await Promise.all(answers);
    expect(sizes()).toEqual([2, 2, 1]);
  });

  it("appends a batch of more than 1,000 messages in one transaction", async () => {
    const log = database.open();
    const first = log.append([message("first")]);
    const large = log.append(Array.from({ length: 3000 }, (_, index) => message(`${index}`)));
    database.turn();
    database.turn();
    await Promise.all([first, large]);
    expect(database.transactions.map((batches) => batches.length)).toEqual([1, 1]);
  });

  it("appends what waits when it is closed, and refuses what comes after its release", async () => {
    const log = database.open();
    const answer = log.append([message("1")]);
    log.close();
    expect(await answer).toEqual([{ id: "1", duplicate: false }]);
    database.turn();
    log.release();
    log.release();
    expect(database.released).toBe(1);
    await expect(log.append([message("2")])).rejects.toMatchObject({ code: "closed" });
  });

  it("deletes expired messages a second after an append, one slice in each turn", async () => {
    const log = database.open();
    vi.advanceTimersByTime(1000);
    expect(database.deletions).toBe(1);
    database.slices = [true, true];
    const answer = log.append([message("1")]);
    database.turn();
    await answer;
    expect(database.deletions).toBe(1);
    vi.advanceTimersByTime(1000);
    expect(database.deletions).toBe(2);
    database.turn();
    expect(database.deletions).toBe(3);
    database.turn();
    expect(database.deletions).toBe(4);
    database.turn();
    expect(database.deletions).toBe(4);
  });

  it("deletes expired messages every ten seconds while nothing is appended, and not after its release", () => {
    const log = database.open();
    vi.advanceTimersByTime(61_000);
    expect(database.deletions).toBe(7);
    log.release();
    vi.advanceTimersByTime(60_000);
    expect(database.deletions).toBe(7);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("notices by itself that the disk can be written again", async () => {
    const log = database.open();
    database.error = diskFull();
    const answer = log.append([message("1")]);
    database.turn();
    await expect(answer).rejects.toMatchObject({ code: "storage_failed" });
    vi.advanceTimersByTime(3000);
    expect(database.probes).toBe(3);
    expect(() => log.assertWritable()).toThrow();
    database.error = undefined;
    vi.advanceTimersByTime(1000);
    log.assertWritable();
    vi.advanceTimersByTime(60_000);
    expect(database.probes).toBe(4);
  });

  it("is not taken as writable because a transaction without a change succeeds", async () => {
    const log = database.open();
    database.hasNothingToDelete = true;
    database.error = diskFull();
    const answer = log.append([message("1")]);
    database.turn();
    await expect(answer).rejects.toMatchObject({ code: "storage_failed" });
    vi.advanceTimersByTime(2000);
    expect(() => log.assertWritable()).toThrow();
    const erased = log.erase("none");
    database.turn();
    expect(await erased).toBe(0);
    expect(() => log.assertWritable()).toThrow();
    database.error = undefined;
    vi.advanceTimersByTime(1000);
    log.assertWritable();
  });

  it("survives that the limits can't be checked after a commit, and logs the error", async () => {
    const log = database.open();
    database.isDamaged = true;
    const answer = log.append([message("1")]);
    database.turn();
    expect(await answer).toEqual([{ id: "1", duplicate: false }]);
    expect(database.errors).toHaveLength(1);
  });

  it("tells who stores a revocation that it could not be stored", () => {
    const stored = new Map<string, number>();
    const log = database.open({
      all: () => [...stored].map(([subject, at]) => ({ subject, at })),
      set: (subject, at) => {
        if (database.error !== undefined) throw database.error;
        stored.set(subject, at);
      },
      remove: (subject) => void stored.delete(subject),
    });
    log.revocations?.set("anna", 1);
    database.error = diskFull();
    expect(() => log.revocations?.set("ben", 2)).toThrowError(
      expect.objectContaining({ code: "storage_failed" }),
    );
    expect(log.revocations?.all()).toEqual([{ subject: "anna", at: 1 }]);
    expect(database.errors).toHaveLength(1);
  });
});
