import { expect, it } from "vitest";
import type { Presence } from "../../../src/client/types.ts";
import type { ClientWorld } from "../../support/client-world.ts";
import { eventually } from "../../support/deadline.ts";
import { tokenFor } from "../../support/tokens.ts";

const RIGHTS = { subscribe: ["team/*", "$presence/team/*"] };

const tokenOf = (user: string) => () =>
  tokenFor(user, { ...RIGHTS, ...{ info: { name: user } } } as object);

export function presenceTests(world: ClientWorld): void {
  it("follows the members of a topic, and reads them once", async () => {
    const anna = world.open({ token: tokenOf("anna") });
    const seen: Presence[] = [];
    anna.collect("team/1", { presence: (presence) => seen.push(presence) });
    const infos = () => seen.at(-1)?.members.map(({ id, info }) => [id, info]);
    const isSeen = (wanted: unknown) => () => JSON.stringify(infos()) === JSON.stringify(wanted);
    await eventually(isSeen([["anna", { name: "anna" }]]), "anna sees herself");
    const ben = world.open({ token: tokenOf("ben") });
    ben.collect("team/1");
    const both = [
      ["anna", { name: "anna" }],
      ["ben", { name: "ben" }],
    ];
    await eventually(isSeen(both), "anna sees ben");
    await ben.connected();
    await ben.realtime.setInfo("team/1", { typing: true });
    const second = () => seen.at(-1)?.members[1];
    await eventually(() => second()?.info.typing === true, "anna sees ben type");
    expect(second()).toMatchObject({ id: "ben", info: { name: "ben", typing: true } });
    // A second follower gets the members at once.
    const later: Presence[] = [];
    const end = anna.realtime.presence("team/1", (presence) => later.push(presence));
    await eventually(() => later.length > 0, "the second follower gets the members");
    expect(later[0]?.members.map(({ id }) => id)).toEqual(["anna", "ben"]);
    expect(await anna.realtime.presence("team/1")).toMatchObject({ count: 2, guests: 0 });
    end();
    const told = later.length;
    ben.realtime.close();
    await eventually(isSeen([both[0]]), "anna sees ben leave");
    expect(later).toHaveLength(told);
    expect(seen.at(-1)).toMatchObject({ count: 1, guests: 0 });
    expect(anna.errors).toEqual([]);
  });

  it("refuses presence of several topics, and setInfo without a stream", async () => {
    const { realtime } = world.open({ token: tokenOf("anna") });
    for (const topic of ["*", "team/*"]) {
      expect(() => realtime.presence(topic, () => {})).toThrow(`"${topic}" has no members`);
      expect(() => realtime.subscribe(topic, () => {}, { presence: () => {} })).toThrow(TypeError);
    }
    await expect(realtime.setInfo("team/1", {})).rejects.toThrow('Subscribe to "team/1" first');
    await expect(realtime.presence("nobody/1")).rejects.toMatchObject({ status: 403 });
  });
}
