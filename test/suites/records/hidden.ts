import { describe, expect, it } from "vitest";
import { subscriptionKey } from "../../support/subscription-key.ts";
import { ADMIN } from "../access/context.ts";
import { type Headers, type RecordsWorld, userWith } from "./context.ts";

export function hiddenTests(world: RecordsWorld): void {
  /** What viewers receive of one event, each under the same key. The history contains the same for them. */
  const seenBy = async (viewers: readonly Headers[], key: string, event: object) => {
    const clients = await Promise.all(viewers.map((headers) => world.listen([key], headers)));
    const start = await world.cursor();
    await world.publish(event);
    const seen: unknown[] = [];
    for (const [index, client] of clients.entries()) {
      const data = (await world.heard(client)).map(([, data]) => data);
      expect(await world.history(start, [key], viewers[index])).toEqual(data);
      seen.push((data[0] as { record: unknown } | undefined)?.record);
    }
    return seen;
  };

  describe("hidden fields", () => {
    it("that the rules declare reach administrators only, and rules may use them", async () => {
      const record = { id: "f1", name: "a.txt", path: "/home", size: 5 };
      const shown = { id: "f1", name: "a.txt" };
      const viewers = [{}, await userWith({ id: "anna", collectionName: "files" }), ADMIN];
      const event = { collection: "files", action: "create", record };
      expect(await seenBy(viewers, "files/*", event)).toEqual([shown, shown, record]);
      const key = subscriptionKey("pbc_files/*", { fields: "*" });
      const byId = { ...event, collection: { name: "files", id: "pbc_files" } };
      expect(await seenBy(viewers, key, byId)).toEqual([shown, shown, record]);
      const large = { ...event, record: { ...record, size: 500 } };
      expect((await seenBy(viewers, "files/f1", large))[2]).toEqual({ ...record, size: 500 });
      const guest = await world.listen(["files/*"]);
      await world.publish(large);
      expect(await world.heard(guest)).toEqual([]);
    });

    it("that the event declares reach administrators only, and a filter that names one selects nothing", async () => {
      const collection = { name: "parcels", hidden: ["weight"] };
      const record = { id: "w1", weight: 5, name: "x" };
      const shown = { id: "w1", name: "x" };
      const event = { collection, action: "update", record };
      const viewers = [{}, await userWith({ id: "anna" }), ADMIN];
      expect(await seenBy(viewers, "parcels/*", event)).toEqual([shown, shown, record]);
      const picked = subscriptionKey("parcels", { fields: "id,weight" });
      expect(await seenBy(viewers, picked, event)).toEqual([
        { id: "w1" },
        { id: "w1" },
        { id: "w1", weight: 5 },
      ]);
      const filtered = subscriptionKey("parcels/w1", { filter: "weight = 5 || name = 'x'" });
      expect(await seenBy(viewers, filtered, event)).toEqual([undefined, undefined, record]);
    });
  });

  describe("the email of a user", () => {
    const user = { id: "anna", name: "Anna", email: "anna@example.com" };
    const { email: _, ...shown } = user;
    const created = (more: object = {}) => ({
      collection: "users",
      action: "create",
      record: { ...user, ...more },
    });

    it("reaches the user, managers, administrators and, if it is visible, everyone", async () => {
      const viewers = [
        {},
        await userWith({ id: "bert", collectionName: "users" }),
        await userWith({ id: "anna", collectionName: "users" }),
        await userWith({ id: "anna", collectionName: "customers" }),
        await userWith({ id: "mona", role: "manager" }),
        ADMIN,
      ];
      for (const topic of ["users/*", "users/anna"]) {
        expect(await seenBy(viewers, topic, created())).toEqual(
          [false, false, true, false, true, true].map((isSeen) => (isSeen ? user : shown)),
        );
        const visible = { ...user, emailVisibility: true };
        expect(await seenBy(viewers, topic, created(visible))).toEqual(viewers.map(() => visible));
      }
    });

    it("can't be found by a filter while it is invisible", async () => {
      const key = subscriptionKey("users/*", { filter: 'email ~ "anna"', fields: "id" });
      const viewers = [{}, await userWith({ id: "bert" }), ADMIN];
      const found = { id: "anna" };
      expect(await seenBy(viewers, key, created())).toEqual([undefined, undefined, found]);
      expect(await seenBy(viewers, key, created({ emailVisibility: true }))).toEqual([
        found,
        found,
        found,
      ]);
    });

    it("stands beside fields that no client receives: password and token key", async () => {
      const secrets = { password: "hash", tokenKey: "key", pin: 1 };
      const viewers = [{}, await userWith({ id: "anna" }), ADMIN];
      expect(await seenBy(viewers, "users/*", created(secrets))).toEqual([
        shown,
        user,
        { ...user, pin: 1 },
      ]);
    });

    it("is protected by the event's description as well, without rules", async () => {
      const event = { ...created(), collection: { name: "members", type: "auth" } };
      const viewers = [{}, await userWith({ id: "anna" }), ADMIN];
      expect(await seenBy(viewers, "members/*", event)).toEqual([shown, user, user]);
    });
  });
}
