import { describe, expect, it } from "vitest";
import { eventually } from "../../support/deadline.ts";
import { inSeconds } from "../../support/tokens.ts";
import { ADMIN } from "../access/context.ts";
import { idsOf, type RecordsWorld, userWith } from "./context.ts";

export function signInTests(world: RecordsWorld): void {
  let created = 0;
  /** Publishes records of anna and bert, and returns their ids. */
  const publishBoth = async () => {
    created += 1;
    const ids = { anna: `anna-${created}`, bert: `bert-${created}` };
    await world.publish(
      ...Object.entries(ids).map(([owner, id]) => ({
        collection: "own",
        action: "create",
        record: { id, owner, members: [] },
      })),
    );
    return ids;
  };

  describe("rules about the user", () => {
    it("hold for a user who signs in on an open stream", async () => {
      const client = await world.listen(["own/*"]);
      await publishBoth();
      expect(await world.heard(client)).toEqual([]);
      const anna = await userWith({ id: "anna" });
      expect((await world.subscribe(client, ["own/*"], anna)).status).toBe(204);
      const ids = await publishBoth();
      expect(idsOf(await world.heard(client))).toEqual([ids.anna]);
    });

    it("use the record of the user's newest token", async () => {
      const red = await userWith({ id: "u1", role: "editor", team: "red" });
      const client = await world.listen(["staff/*"], red);
      const create = (id: string) =>
        world.publish({ collection: "staff", action: "create", record: { id, team: "blue" } });
      await create("b1");
      const blue = await userWith({ id: "u1", role: "editor", team: "blue" });
      expect((await world.subscribe(client, ["staff/*"], blue)).status).toBe(204);
      await create("b2");
      expect(idsOf(await world.heard(client))).toEqual(["b2"]);
    });

    it("pass for an administrator who signs in on an open stream, and no request without the key changes the stream", async () => {
      const client = await world.listen(["files/*"]);
      const create = (id: string) =>
        world.publish({
          collection: "files",
          action: "create",
          record: { id, size: 500, path: "/" },
        });
      await create("g1");
      expect((await world.subscribe(client, ["files/*"], ADMIN)).status).toBe(204);
      await create("a1");
      for (const headers of [{}, await userWith({ id: "anna" })]) {
        expect((await world.subscribe(client, ["users/*"], headers)).status).toBe(403);
      }
      await create("a2");
      expect(await world.heard(client)).toEqual(
        ["a1", "a2"].map((id) => [
          "files/*",
          { action: "create", record: { id, size: 500, path: "/" } },
        ]),
      );
    });

    it("do not hold any more when the token has expired, until a fresh one is sent", async () => {
      const expiring = await userWith({ id: "anna" }, { exp: inSeconds(2) });
      const client = await world.listen(["own/*", "own"], expiring);
      const first = await publishBoth();
      expect(idsOf(await world.heard(client))).toEqual([first.anna, first.anna]);
      await eventually(
        () => client.events.some(({ event }) => event === "PB_AUTH_EXPIRED"),
        "the client receives PB_AUTH_EXPIRED",
      );
      await publishBoth();
      expect(await world.heard(client)).toHaveLength(2);
      const fresh = await userWith({ id: "anna" });
      expect((await world.subscribe(client, ["own/*"], fresh)).status).toBe(204);
      const last = await publishBoth();
      expect(idsOf((await world.heard(client)).slice(2))).toEqual([last.anna]);
    });
  });
}
