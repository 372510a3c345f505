import { afterEach, describe, it } from "vitest";
import type { Member } from "../../src/realtime/presence/presence.ts";
import { eventually } from "../support/deadline.ts";
import { closeHubs, openHubs } from "./hubs.ts";
import { membersOf, openOn, rebuild, type Stream, setReachable, watch } from "./presence.ts";

afterEach(closeHubs);

describe("the members that subscribers rebuild from their events", () => {
  const seeds = [1, 2, 3];

  it.each(seeds)(
    "equal the truth after random streams, ends, evictions and lost reports: %i",
    async (seed) => {
      const random = randomOf(seed);
      const hubs = openHubs(2, "presence");
      const watchers = [await watch(hubs, 0), await watch(hubs, 1)];
      const streams: { identity: string | undefined; stream: Stream }[] = [];
      for (let step = 0; step < 60; step++) {
        const choice = random(10);
        if (choice < 5) {
          const identity = [undefined, "ann", "bob", "cid", "dan"][random(5)];
          const principal = identity === undefined ? {} : { identity, info: { step: random(3) } };
          streams.push({ identity, stream: await openOn(hubs, random(2), ["chat/1"], principal) });
        } else if (choice < 8) {
          const [ended] = streams.splice(random(streams.length), 1);
          ended?.stream.connection.close("client");
        } else if (choice === 8) await hubs.evict(random(2));
        else await setReachable(hubs, random(2), random(2) === 0);
      }
      for (const shard of [0, 1]) await setReachable(hubs, shard, true);
      const identities = streams.flatMap(({ identity }) => identity ?? []);
      const guests = streams.length - identities.length;
      const ids = [...new Set(identities)].toSorted();
      const views = async () => [
        ...watchers.map((watcher) => rebuild(watcher)),
        ...(await Promise.all([0, 1].map((shard) => membersOf(hubs, shard)))),
      ];
      await eventually(async () => {
        const all = await views();
        const isTrue = all.every(
          (view) => view.guests === guests && idsOf(view.members) === ids.join(),
        );
        // Which info is the newest is not known here, but all views must show the same.
        return isTrue && new Set(all.map(({ members }) => shown(members))).size === 1;
      }, `all views have ${ids} and ${guests} guests, and the same infos`);
    },
  );
});

/** Returns a function for random whole numbers from 0 and below `end` (mulberry32). */
function randomOf(seed: number): (end: number) => number {
  let state = seed;
  return (end) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % end;
  };
}

function idsOf(members: readonly Member[] = []): string {
  return members
    .map(({ id }) => id)
    .toSorted()
    .join();
}

/** The ids and infos of members. Subscribers are not told a change of `since` alone. */
function shown(members: readonly Member[] = []): string {
  return members
    .map(({ id, info }) => `${id} ${JSON.stringify(info)}`)
    .toSorted()
    .join();
}
