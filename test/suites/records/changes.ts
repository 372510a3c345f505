import { describe, expect, it } from "vitest";
import { subscriptionKey } from "../../support/subscription-key.ts";
import { type RecordsWorld, userWith } from "./context.ts";

const LEFT = { action: "leave", record: { id: "r1" } };

export function changeTests(world: RecordsWorld): void {
  /** An update of the record `r1`. */
  const update = (collection: unknown, record: object, previous?: object) => ({
    collection,
    action: "update",
    record: { id: "r1", ...record },
    ...(previous !== undefined && { previous: { id: "r1", ...previous } }),
  });
  const updated = (record: object) => ({ action: "update", record: { id: "r1", ...record } });

  describe("actions", () => {
    it.each([
      ["create", ["create"]],
      ["create, delete", ["create", "delete"]],
      ["update", ["update"]],
      ["", ["create", "update", "delete"]],
    ])("%j are the changes that a subscription receives", async (actions, expected) => {
      const key = subscriptionKey("posts/*", { actions });
      const client = await world.listen([key]);
      const record = { id: "r1" };
      for (const action of ["create", "update", "delete"]) {
        await world.publish({ collection: "posts", action, record });
      }
      expect(await world.heard(client)).toEqual(
        expected.map((action) => [key, { action, record }]),
      );
    });
  });

  describe("changed", () => {
    it("limits updates to those that changed one of the fields", async () => {
      const key = subscriptionKey("posts/*", { changed: "status, meta" });
      const client = await world.listen([key]);
      const before = { status: "open", title: "x", meta: { a: [1] } };
      const updates = [
        { ...before, title: "y" },
        { ...before, status: "closed" },
        { ...before, meta: { a: [1, 2] } },
        { title: "x", meta: { a: [1] } },
      ];
      await world.publish(
        ...updates.map((record) => update("posts", record, before)),
        // The record before this update is unknown.
        update("posts", before),
        { collection: "posts", action: "create", record: { id: "r2" } },
        { collection: "posts", action: "delete", record: { id: "r2" } },
      );
      expect(await world.heard(client)).toEqual(
        [
          ...updates.slice(1).map(updated),
          updated(before),
          { action: "create", record: { id: "r2" } },
          { action: "delete", record: { id: "r2" } },
        ].map((data) => [key, data]),
      );
    });

    it("can't be used to learn of changes of hidden fields", async () => {
      const collection = { name: "members", type: "auth", hidden: ["pin"] };
      const key = subscriptionKey("members/*", { changed: "pin,email,tokenKey" });
      const client = await world.listen([key]);
      const before = { name: "Anna", pin: 1, email: "a@example.com", tokenKey: "t1" };
      const changes = [{ pin: 2 }, { email: "b@example.com" }, { tokenKey: "t2" }];
      for (const change of changes) {
        await world.publish(update(collection, { ...before, ...change }, before));
      }
      const visible = { ...before, emailVisibility: true };
      await world.publish(update(collection, { ...visible, email: "c@example.com" }, visible));
      expect(await world.heard(client)).toEqual([
        [key, updated({ name: "Anna", email: "c@example.com", emailVisibility: true })],
      ]);
    });
  });

  describe("leave", () => {
    it("is sent when an update moves a record out of the filter", async () => {
      const filter = 'status = "open"';
      const leaves = subscriptionKey("posts/*", { filter, leave: true });
      const ofRecord = subscriptionKey("posts/r1", { filter, leave: "true", fields: "title" });
      const stays = subscriptionKey("posts", { filter });
      const client = await world.listen([leaves, ofRecord, stays]);
      const start = await world.cursor();
      await world.publish(
        update("posts", { status: "closed" }, { status: "open" }),
        // It was not inside, or this is not known.
        update("posts", { status: "closed" }, { status: "draft" }),
        update("posts", { status: "closed" }),
        update("posts", { status: "closed" }, {}),
        // It comes back.
        update("posts", { status: "open", title: "x" }, { status: "closed" }),
      );
      const heard = await world.heard(client);
      const under = (key: string) => heard.filter(([event]) => event === key).map(([, d]) => d);
      expect(under(leaves)).toEqual([LEFT, updated({ status: "open", title: "x" })]);
      expect(under(ofRecord)).toEqual([LEFT, { action: "update", record: { title: "x" } }]);
      expect(under(stays)).toEqual([updated({ status: "open", title: "x" })]);
      expect(await world.history(start, [leaves])).toEqual([
        LEFT,
        updated({ status: "open", title: "x" }),
      ]);
    });

    it("is sent when a client loses a record by the rule, and to that client only", async () => {
      const key = subscriptionKey("tasks/*", { leave: true });
      const [anna, bert] = await Promise.all(["anna", "bert"].map((id) => userWith({ id })));
      const clients = [
        await world.listen([key], anna),
        await world.listen([key], bert),
        await world.listen([key]),
      ];
      const [private_, assigned] = [{ isPublic: false }, { isPublic: false, assignee: "anna" }];
      await world.publish(
        update("tasks", { ...assigned, assignee: "bert" }, assigned),
        update("tasks", { ...private_, assignee: "bert" }, { isPublic: true, assignee: "bert" }),
      );
      const toBert = updated({ isPublic: false, assignee: "bert" });
      const expected = [[LEFT, LEFT], [toBert, toBert], [LEFT]];
      for (const [index, client] of clients.entries()) {
        const data = (await world.heard(client)).map(([, data]) => data);
        expect([index, data]).toEqual([index, expected[index]]);
      }
    });

    it("is not sent to a client that could not see the record before", async () => {
      const filter = "isPublic = false";
      const key = subscriptionKey("tasks/*", { filter, leave: true });
      const client = await world.listen([key], await userWith({ id: "anna" }));
      await world.publish(
        update(
          "tasks",
          { isPublic: true, assignee: "bert" },
          { isPublic: false, assignee: "bert" },
        ),
        update(
          "tasks",
          { isPublic: true, assignee: "anna" },
          { isPublic: false, assignee: "anna" },
        ),
      );
      expect(await world.heard(client)).toEqual([[key, LEFT]]);
    });
  });
}
