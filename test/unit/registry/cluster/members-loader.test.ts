import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { MembersAt } from "../../../../src/log/shared-presence.ts";
import type { MembersEvent, PresenceEvent } from "../../../../src/realtime/presence/presence.ts";
import type { LogEntry } from "../../../../src/realtime/types.ts";
import { MembersLoader } from "../../../../src/registry/cluster/members-loader.ts";
import { NO_FAKE_TIME } from "../../../support/fake-time.ts";
import { leftOut } from "../../../support/flags.ts";

const ANN = { id: "ann", info: {}, since: 1 };
const BOB = { id: "bob", info: {}, since: 2 };

/** A load that waits for its answer. */
interface Pending {
  readonly topic: string;
  answer(sequence: number, ...members: (typeof ANN)[]): Promise<unknown>;
  fail(): Promise<unknown>;
}

let pending: Pending[];
let loader: MembersLoader;

beforeEach(() => {
  vi.useFakeTimers();
  pending = [];
  const read = (topic: string) =>
    new Promise<MembersAt>((resolve, reject) => {
      pending.push({
        topic,
        answer: (sequence, ...members) => {
          resolve({ members: stated(...members), sequence });
          return vi.advanceTimersByTimeAsync(10);
        },
        fail: () => {
          reject(new Error("Redis is away."));
          return vi.advanceTimersByTimeAsync(10);
        },
      });
    });
  loader = new MembersLoader(read, undefined);
});

afterEach(() => {
  loader.stop();
  vi.useRealTimers();
});

describe.skipIf(NO_FAKE_TIME)(leftOut("a loader of members", NO_FAKE_TIME), () => {
  it("answers all subscribers of a topic with one load", async () => {
    const one = await request("chat");
    const two = await request("chat");
    const other = await request("news");
    expect(pending.map(({ topic }) => topic)).toEqual(["chat", "news"]);
    await pending[0]?.answer(5, ANN);
    expect([one, two, other]).toEqual([[stated(ANN)], [stated(ANN)], []]);
  });

  it("adds the events after the position of the members, and leaves out those before it", async () => {
    const got = await request("chat");
    loader.receive([
      entry(4, { type: "leave", member: ANN }),
      entry(6, { type: "join", member: BOB }),
      entry(7, { type: "guests", guests: 3 }),
      entry(8, { type: "join", member: BOB }, "$presence/news"),
    ]);
    await pending[0]?.answer(5, ANN);
    expect(got).toEqual([{ ...stated(ANN, BOB), guests: 3 }]);
  });

  it("adds a statement, updates, leaves and several changes in one event", async () => {
    const got = await request("chat");
    const info = { typing: true };
    loader.receive([
      entry(6, stated(ANN, BOB)),
      entry(7, {
        type: "changes",
        changes: [
          { type: "update", member: { ...BOB, info } },
          { type: "leave", member: ANN },
        ],
      }),
    ]);
    await pending[0]?.answer(5);
    expect(got).toEqual([stated({ ...BOB, info })]);
  });

  it("does not list members that are only counted", async () => {
    const got = await request("chat");
    loader.receive([
      entry(6, { type: "members", count: 1001, guests: 0 }),
      entry(7, { type: "guests", guests: 1 }),
    ]);
    await pending[0]?.answer(5, ANN);
    expect(got).toEqual([{ type: "members", count: 1001, guests: 1 }]);
  });

  it("repeats a load after a gap of the log, and after a failure", async () => {
    const got = await request("chat");
    loader.reload();
    await pending[0]?.answer(50, ANN);
    expect(got).toEqual([]);
    await pending[1]?.fail();
    loader.receive([entry(2, { type: "join", member: BOB })]);
    await vi.advanceTimersByTimeAsync(500);
    // The event arrived before this load began, so the load has it.
    await pending[2]?.answer(2, BOB);
    expect(got).toEqual([stated(BOB)]);
  });

  it("loads a large topic again only after a pause, and then for all new subscribers", async () => {
    await request("chat");
    const many = Array.from({ length: 1000 }, (_, index) => ({ ...ANN, id: `m${index}` }));
    await pending[0]?.answer(5, ...many);
    const late = [await request("chat"), await request("chat")];
    await vi.advanceTimersByTimeAsync(150);
    expect(pending).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(100);
    expect(pending).toHaveLength(2);
    await pending[1]?.answer(6, ANN);
    expect(late).toEqual([[stated(ANN)], [stated(ANN)]]);
  });

  it("loads at most 16 topics at the same time, and all of them in the end", async () => {
    const all: MembersEvent[][] = [];
    for (let index = 0; index < 40; index++) all.push(await request(`t${index}`));
    expect(pending).toHaveLength(16);
    for (let index = 0; index < 40; index++) await pending[index]?.answer(1, ANN);
    expect(all).toEqual(all.map(() => [stated(ANN)]));
  });
});

/** Requests the members of a topic, and begins the load. The list receives them. */
async function request(topic: string): Promise<MembersEvent[]> {
  const got: MembersEvent[] = [];
  loader.request(topic, (members) => got.push(members));
  await vi.advanceTimersByTimeAsync(0);
  return got;
}

function stated(...members: readonly (typeof ANN)[]): MembersEvent {
  return { type: "members", members, count: members.length, guests: 0 };
}

function entry(sequence: number, event: PresenceEvent, topic = "$presence/chat"): LogEntry {
  const message = { id: "m", topics: [topic], data: JSON.stringify(event), private: true };
  return { cursor: `0-epoch-${sequence}`, at: 0, message };
}
