import { expect, it } from "vitest";
import type { RedisConnection } from "../../../../../src/runtimes/process/redis/connection.ts";
import { Heartbeats } from "../../../../../src/runtimes/process/redis/heartbeats.ts";
import { eventually } from "../../../../support/deadline.ts";

/** Heartbeats over connections that only count. `answers` says whether a message to the process itself arrives. */
function beating(answers: () => boolean) {
  const counts = { beats: 0, disconnects: 0, warnings: [] as string[] };
  const commands = { send: async () => "OK" };
  const subscriber = {
    client: async () => ({}),
    disconnect: () => {
      counts.disconnects += 1;
    },
  };
  const heartbeats = new Heartbeats({
    ...{ home: "home0000", base: "{test}:" },
    // The casts: the heartbeats use these methods only.
    commands: commands as unknown as RedisConnection,
    subscriber: subscriber as unknown as RedisConnection,
    sendEcho: async (id) => {
      counts.beats += 1;
      if (answers()) heartbeats.onEcho(id);
    },
    logger: { debug() {}, info() {}, warn: (msg) => void counts.warnings.push(msg), error() {} },
  });
  // The cast: the statistics are only passed on.
  void heartbeats.start(async () => ({}) as never);
  return { heartbeats, counts };
}

it("a subscription that has gone silent without an error is opened anew", async () => {
  let isSilent = false;
  const { heartbeats, counts } = beating(() => !isSilent);
  await eventually(() => counts.beats === 1, "the first heartbeat");
  // The second heartbeat comes after five seconds, so the first would have been missed by then.
  await eventually(() => counts.beats === 2, "the second heartbeat");
  expect(counts.disconnects).toBe(0);
  isSilent = true;
  heartbeats.beat();
  await eventually(() => counts.disconnects === 1, "the silent subscription is closed");
  expect(counts.warnings).toEqual(["messages of other processes don't arrive; connecting again"]);
  heartbeats.stop();
});
