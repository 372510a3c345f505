/** What the hooks of the PocketBase bridge send. */
import { afterEach, describe, expect, it } from "vitest";
import { ADMIN_KEY } from "../../support/api.ts";
import { COLLECTIONS, minute, save, upTo } from "../../support/pocketbase/blog.ts";
import { PocketBaseStub } from "../../support/pocketbase/pocketbase.ts";
import type { CollectionSettings } from "../../support/pocketbase/record.ts";
import type { Step } from "../../support/pocketbase/steps.ts";
import { closeTargets, startTarget } from "../../support/pocketbase/target.ts";

afterEach(closeTargets);

const pocketbase = (url: string, env: Readonly<Record<string, string>> = {}) =>
  new PocketBaseStub(COLLECTIONS, { POCKETWIRE_URL: url, ...env });

describe("the hooks of the PocketBase bridge send", () => {
  it("a change with its collection, its field types, hidden fields and the key", async () => {
    const wire = await startTarget();
    const { errors, queue } = await pocketbase(wire.url).run([
      save(1, { tags: ["a"], kind: "b", data: { x: 1 }, secret: "s" }),
    ]);
    expect(errors).toEqual([]);
    expect(queue).toEqual([]);
    expect(wire.requests[0]?.headers.authorization).toBe(`Bearer ${ADMIN_KEY}`);
    expect(wire.accepted).toEqual([
      {
        id: expect.stringMatching(/^.{10,}$/),
        collection: {
          id: "pbc_posts",
          name: "posts",
          type: "base",
          fields: {
            id: "text",
            n: "number",
            tags: "select[]",
            kind: "select",
            data: "json",
            secret: "text",
          },
          hidden: ["secret"],
        },
        action: "create",
        record: {
          id: "r1",
          n: 1,
          tags: ["a"],
          kind: "b",
          data: { x: 1 },
          secret: "s",
          collectionId: "pbc_posts",
          collectionName: "posts",
        },
      },
    ]);
  });

  it("the record before an update, and none with a create or a delete", async () => {
    const wire = await startTarget();
    const remove: Step = { do: "delete", collection: "posts", id: "r1" };
    await pocketbase(wire.url).run([save(1), save(2), save(3), remove]);
    const changes = wire.accepted.map(({ action, record, previous }) => [
      action,
      record.n,
      previous?.n,
    ]);
    expect(changes).toEqual([
      ["create", 1, undefined],
      ["update", 2, 1],
      ["update", 3, 2],
      ["delete", 3, undefined],
    ]);
  });

  it("no password and no token key, also not in the description, and an invisible email", async () => {
    const wire = await startTarget();
    const user = { id: "u1", password: "p-hash", tokenKey: "t-key", pin: "1234", email: "a@b.c" };
    await pocketbase(wire.url).run([
      { do: "save", collection: "users", record: user },
      { do: "save", collection: "users", record: { ...user, pin: "9999" } },
    ]);
    const [created, updated] = wire.accepted;
    expect(created?.collection).toMatchObject({
      type: "auth",
      fields: { id: "text", email: "email", emailVisibility: "bool" },
      hidden: [],
    });
    expect(Object.keys(updated?.record ?? {})).not.toContain("pin");
    expect(updated?.record.email).toBe("a@b.c");
    expect(JSON.stringify(wire.batches)).not.toMatch(/p-hash|t-key|1234|9999|tokenKey|password/);
  });

  it("nothing of system collections and of collections that are not listed", async () => {
    const wire = await startTarget();
    await pocketbase(wire.url, { POCKETWIRE_COLLECTIONS: "posts, users" }).run([
      { do: "save", collection: "_otps", record: { id: "o1" } },
      { do: "save", collection: "comments", record: { id: "c1", post: "" } },
      save(1),
    ]);
    expect(wire.accepted.map(({ collection }) => collection.name)).toEqual(["posts"]);
  });

  it("private messages with POCKETWIRE_PRIVATE", async () => {
    const wire = await startTarget();
    await pocketbase(wire.url, { POCKETWIRE_PRIVATE: "true" }).run([save(1)]);
    expect(wire.accepted[0]?.private).toBe(true);
  });

  it("all changes of a transaction, and the records that a delete takes along", async () => {
    const wire = await startTarget();
    const comment = (id: string): Step => ({
      do: "save",
      collection: "comments",
      record: { id, post: "r1" },
    });
    const { errors, queue } = await pocketbase(wire.url).run([
      { do: "transaction", steps: [save(1), comment("c1"), comment("c2")] },
      { do: "delete", collection: "posts", id: "r1" },
    ]);
    expect([errors, queue]).toEqual([[], []]);
    expect(wire.accepted.map(({ action, record }) => `${action} ${record.id}`)).toEqual([
      "create r1",
      "create c1",
      "create c2",
      "delete r1",
      "delete c1",
      "delete c2",
    ]);
  });

  it("nothing of a transaction that is rolled back", async () => {
    const wire = await startTarget();
    const failing: Step = { do: "transaction", steps: [save(1)], fails: true };
    const { errors, queue } = await pocketbase(wire.url).run([failing, save(2), minute]);
    expect(errors).toHaveLength(1);
    expect(queue).toEqual([]);
    expect(wire.accepted.map(({ action, record }) => [action, record.n])).toEqual([["create", 2]]);
  });

  it("no hidden field that the description has no place for", async () => {
    const wire = await startTarget();
    const names = upTo(201).map((n) => `h${n}`);
    const fields = ["id", ...names].map((name) => ({ name, type: "text", hidden: name !== "id" }));
    const wide: CollectionSettings = { id: "pbc_wide", name: "wide", type: "base", fields };
    const record = Object.fromEntries(["id", ...names].map((name) => [name, name]));
    const stub = new PocketBaseStub([wide], { POCKETWIRE_URL: wire.url });
    await stub.run([{ do: "save", collection: "wide", record }]);
    const [sent] = wire.accepted;
    expect(sent?.collection.hidden).toHaveLength(200);
    expect(Object.keys(sent?.collection.fields ?? {})).toHaveLength(200);
    expect([sent?.record.h200, sent?.record.h201]).toEqual(["h200", undefined]);
  });
});
