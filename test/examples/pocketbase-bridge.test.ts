/**
 * The hooks of examples/pocketbase-bridge/pb_hooks. PocketBase's program is not available to these tests. A stand-in
 * (test/support/pocketbase/) loads the hook files as PocketBase does, each handler as text in a context of its own, with a
 * real SQLite file and the few calls of PocketBase that the hooks use. Another JavaScript engine than PocketBase's runs them.
 */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { transform } from "esbuild";
import { afterEach, describe, expect, it } from "vitest";
import { ADMIN_KEY } from "../support/api.ts";
import { PocketBaseStub } from "../support/pocketbase/pocketbase.ts";
import type { CollectionSettings } from "../support/pocketbase/record.ts";
import type { Step } from "../support/pocketbase/steps.ts";
import { refusal, type Sent, startTarget, type Target } from "../support/pocketbase/target.ts";

const POSTS: CollectionSettings = {
  id: "pbc_posts",
  name: "posts",
  type: "base",
  fields: [
    { name: "id", type: "text" },
    { name: "n", type: "number" },
    { name: "tags", type: "select", maxSelect: 3 },
    { name: "kind", type: "select", maxSelect: 1 },
    { name: "data", type: "json" },
    { name: "secret", type: "text", hidden: true },
  ],
};
const COMMENTS: CollectionSettings = {
  id: "pbc_comments",
  name: "comments",
  type: "base",
  fields: [
    { name: "id", type: "text" },
    { name: "post", type: "relation", maxSelect: 1, cascadeDelete: true },
  ],
};
const USERS: CollectionSettings = {
  id: "pbc_users",
  name: "users",
  type: "auth",
  fields: [
    { name: "id", type: "text" },
    { name: "password", type: "password", hidden: true },
    { name: "tokenKey", type: "text", hidden: true },
    { name: "email", type: "email" },
    { name: "emailVisibility", type: "bool" },
    { name: "pin", type: "password" },
  ],
};
const LOGINS: CollectionSettings = {
  id: "pbc_otps",
  name: "_otps",
  type: "base",
  system: true,
  fields: [{ name: "id", type: "text" }],
};
const COLLECTIONS = [POSTS, COMMENTS, USERS, LOGINS];

const targets: Target[] = [];
afterEach(async () => {
  for (const target of targets.splice(0)) await target.close();
});

async function target(...parameters: Parameters<typeof startTarget>): Promise<Target> {
  const started = await startTarget(...parameters);
  targets.push(started);
  return started;
}

const pocketbase = (url: string, env: Readonly<Record<string, string>> = {}) =>
  new PocketBaseStub(COLLECTIONS, { POCKETWIRE_URL: url, ...env });

const save = (n: number, more: object = {}): Step => ({
  do: "save",
  collection: "posts",
  record: { id: "r1", n, ...more },
});
const numbers = (messages: readonly Sent[]) => messages.map(({ record }) => record.n);
const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1);
const minute: Step = { do: "minute" };

describe("the hooks of the PocketBase bridge send", () => {
  it("a change with its collection, its field types, hidden fields and the key", async () => {
    const wire = await target();
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
    const wire = await target();
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
    const wire = await target();
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
    const wire = await target();
    await pocketbase(wire.url, { POCKETWIRE_COLLECTIONS: "posts, users" }).run([
      { do: "save", collection: "_otps", record: { id: "o1" } },
      { do: "save", collection: "comments", record: { id: "c1", post: "" } },
      save(1),
    ]);
    expect(wire.accepted.map(({ collection }) => collection.name)).toEqual(["posts"]);
  });

  it("private messages with POCKETWIRE_PRIVATE", async () => {
    const wire = await target();
    await pocketbase(wire.url, { POCKETWIRE_PRIVATE: "true" }).run([save(1)]);
    expect(wire.accepted[0]?.private).toBe(true);
  });

  it("all changes of a transaction, and the records that a delete takes along", async () => {
    const wire = await target();
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
    const wire = await target();
    const failing: Step = { do: "transaction", steps: [save(1)], fails: true };
    const { errors, queue } = await pocketbase(wire.url).run([failing, save(2), minute]);
    expect(errors).toHaveLength(1);
    expect(queue).toEqual([]);
    expect(wire.accepted.map(({ action, record }) => [action, record.n])).toEqual([["create", 2]]);
  });
});

describe("the hooks of the PocketBase bridge", () => {
  it("deliver each change once and in order after Pocketwire was away", async () => {
    const gone = await target();
    await gone.close();
    const stub = pocketbase(gone.url);
    const away = await stub.run(upTo(250).map((n) => save(n)));
    expect(away.errors).toEqual([]);
    expect(away.queue).toHaveLength(250);
    expect(away.log.filter((line) => line.includes("does not answer"))).toHaveLength(1);

    const wire = await target(() => undefined);
    const back = await stub.run([{ do: "exec", sql: "SELECT 1" }], { POCKETWIRE_URL: wire.url });
    expect(back.queue).toHaveLength(250);
    const { queue } = await stub.run([minute], { POCKETWIRE_URL: wire.url });
    expect(queue).toEqual([]);
    expect(numbers(wire.accepted)).toEqual(upTo(250));
    expect(new Set(wire.accepted.map(({ id }) => id)).size).toBe(250);
    expect(wire.batches.map(({ length }) => length)).toEqual([100, 100, 50]);
  });

  it("repeat a request whose answer was lost with the same ids", async () => {
    const wire = await target((_, count) => (count === 0 ? { status: 502, body: "" } : undefined));
    await pocketbase(wire.url).run([save(1), save(2), minute]);
    expect(numbers(wire.accepted)).toEqual([1, 2]);
    expect(wire.batches[1]?.[0]?.id).toBe(wire.batches[0]?.[0]?.id);
  });

  it("wait for Retry-After, and do not ask Pocketwire again before", async () => {
    const busy = { ...refusal(503, "The server is stopping."), headers: { "Retry-After": "20" } };
    const wire = await target((_, count) => (count < 2 ? busy : undefined));
    const { queue, log } = await pocketbase(wire.url).run([save(1), save(2), save(3), minute]);
    expect(queue).toEqual([]);
    expect(numbers(wire.accepted)).toEqual([1, 2, 3]);
    expect(wire.batches).toHaveLength(3);
    expect(
      log.filter((line) => line.includes("answers 503. The server is stopping.")),
    ).toHaveLength(1);
  });

  it("ask less and less often while Pocketwire is unavailable", async () => {
    const wire = await target(() => refusal(503, "The server is full."));
    await pocketbase(wire.url).run([save(1), minute]);
    // At 0, 1, 3, 7, 15 and 31 seconds.
    expect(wire.batches).toHaveLength(6);
  });

  it("set a message aside that Pocketwire refuses, and send all others in order", async () => {
    const isBad = ({ record }: Sent) => record.n === 37;
    const wire = await target((messages, count) => {
      if (count === 0) return { status: 503, body: "" };
      return messages.some(isBad) ? refusal(400, "The request is not valid.") : undefined;
    });
    const { queue, log } = await pocketbase(wire.url).run([
      ...upTo(60).map((n) => save(n)),
      minute,
    ]);
    expect(numbers(wire.accepted)).toEqual(upTo(60).filter((n) => n !== 37));
    expect(queue).toMatchObject([{ seq: 37, refused: "400 The request is not valid." }]);
    expect(log.filter((line) => line.includes("refuses the update of posts/r1"))).toHaveLength(1);
  });

  it("split a batch that is too large, also for a proxy", async () => {
    const wire = await target((messages, count) => {
      if (count === 0) return { status: 503, body: "" };
      return messages.length > 10 ? { status: 413, body: "<h1>Too large</h1>" } : undefined;
    });
    const { queue } = await pocketbase(wire.url).run([...upTo(60).map((n) => save(n)), minute]);
    expect(queue).toEqual([]);
    expect(numbers(wire.accepted)).toEqual(upTo(60));
  });

  it.each([
    [refusal(401, "The key is wrong."), "Set REALTIME_ADMIN_KEY to the key that Pocketwire has."],
    [refusal(403, "No key is configured."), "Set REALTIME_ADMIN_KEY in Pocketwire"],
    [{ status: 404, body: "<h1>Not found</h1>" }, "Set POCKETWIRE_URL"],
    [{ status: 200, body: "<h1>Another page</h1>" }, "Set POCKETWIRE_URL"],
    [refusal(400, "Redirected.", { topic: { code: "validation_required" } }), "Set POCKETWIRE_URL"],
  ])("keep every message and say what to do at %j", async (answer, advice) => {
    const wire = await target(() => answer);
    const { queue, log } = await pocketbase(wire.url).run([save(1), save(2), minute]);
    expect(queue.map(({ refused }) => refused)).toEqual(["", ""]);
    expect(log).toEqual([expect.stringContaining(advice)]);
  });

  it("bound the queue, and report the changes that are lost", async () => {
    const wire = await target(() => refusal(503, "The server is full."));
    const stub = pocketbase(wire.url, { POCKETWIRE_MAX_QUEUE: "10" });
    const { queue, log } = await stub.run([...upTo(25).map((n) => save(n)), minute]);
    expect(queue.map(({ seq }) => seq)).toEqual(upTo(25).slice(15));
    expect(log.at(-1)).toContain("misses 15 changes");
  });

  it("send what is left when PocketBase was killed, and nothing twice", async () => {
    let isAway = true;
    const wire = await target(() => (isAway ? refusal(503, "The server is stopping.") : undefined));
    const stub = pocketbase(wire.url);
    await stub.run([save(1), save(2)]);
    isAway = false;
    await stub.run([save(3)]);
    const { queue } = await stub.run([minute]);
    expect(queue).toEqual([]);
    expect(numbers(wire.accepted)).toEqual([1, 2, 3]);
  });

  it("send nothing while PocketBase stops", async () => {
    const wire = await target();
    const { queue } = await pocketbase(wire.url).run([{ do: "stop" }, save(1), minute]);
    expect(queue).toHaveLength(1);
    expect(wire.batches).toEqual([]);
  });

  it("leave PocketBase as it is without the settings, and say which are missing", async () => {
    const { errors, queue, log } = await pocketbase("").run([save(1), minute]);
    expect([errors, queue]).toEqual([[], []]);
    expect(log).toEqual([
      "Pocketwire receives nothing. Set POCKETWIRE_URL and REALTIME_ADMIN_KEY.",
    ]);
  });

  it("give PocketBase the error of a failed write unchanged", async () => {
    const wire = await target();
    const broken: Step = { do: "exec", sql: "DROP TABLE _pocketwire_queue" };
    const { errors } = await pocketbase(wire.url).run([broken, save(1)]);
    expect(errors).toEqual([expect.stringContaining("no such table: _pocketwire_queue")]);
  });
});

const folder = fileURLToPath(new URL("../../examples/pocketbase-bridge/pb_hooks", import.meta.url));
const files = readdirSync(folder, { recursive: true, encoding: "utf8" });

it.each(files.filter((name) => name.endsWith(".js")))(
  "%s uses no syntax newer than ECMAScript 2018, which PocketBase's engine may not have",
  async (name) => {
    const code = readFileSync(`${folder}/${name}`, "utf8");
    const options = { format: "cjs", loader: "js" } as const;
    const older = await transform(code, { ...options, target: "es2018" });
    expect(older.code).toBe((await transform(code, { ...options, target: "esnext" })).code);
  },
);
