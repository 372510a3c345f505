import { env } from "cloudflare:test";
import { afterEach, describe, expect, it } from "vitest";
import { type Env, getRealtime, RealtimeHub } from "../../src/cloudflare.ts";
import type { RecordInput } from "../../src/realtime/message.ts";
import type { Principal } from "../../src/realtime/types.ts";
import { closeHubs, openHubs } from "./hubs.ts";
import { RULES } from "./worker.ts";

afterEach(closeHubs);

const EDITOR: Principal = { identity: "anna", auth: { id: "a1", role: "editor" } };
const ADMIN: Principal = { isAdmin: true };

const postOf = (id: string, status: string): RecordInput => ({
  collection: "posts",
  action: "create",
  record: { id, status, secret: "s" },
});

/** The ids of the records that a client has received, with `+secret` if a record had its hidden field. */
const idsOf = (received: readonly (readonly [event: string | undefined, data: unknown])[]) =>
  received.flatMap(([, data]) => {
    const { record } = data as { record?: { id: string; secret?: string } };
    if (record === undefined) return [];
    return [record.secret === undefined ? record.id : `${record.id}+secret`];
  });

describe("the rules of a hub", () => {
  it("are those of REALTIME_RULES: live, after the hub has woken, and in the history", async () => {
    const hubs = openHubs(1, "rules");
    const guest = await hubs.connect(["posts/*"]);
    const editor = await hubs.connect(["posts/*"], EDITOR);
    const admin = await hubs.connect(["posts/*"], ADMIN);
    await hubs.publish(postOf("p1", "closed"), postOf("p2", "open"));
    await hubs.settle(guest, editor, admin);
    await hubs.evict();
    await hubs.publish(postOf("p3", "closed"), postOf("p4", "open"));
    await hubs.settle(guest, editor, admin);
    expect(idsOf(guest.received())).toEqual(["p2", "p4"]);
    expect(idsOf(editor.received())).toEqual(["p1", "p2", "p3", "p4"]);
    expect(idsOf(admin.received())).toEqual(["p1", "p2", "p3", "p4"].map((id) => `${id}+secret`));
    const { messages } = await hubs.registry.history({ topics: ["posts/*"], limit: 10 }, {});
    expect(messages.map(({ message }) => JSON.parse(message.data).record)).toEqual([
      { id: "p2", status: "open" },
      { id: "p4", status: "open" },
    ]);
  });

  it("are those that a subclass passes, instead of those of REALTIME_RULES", async () => {
    const hubs = openHubs(1, "own-rules");
    const editor = await hubs.connect(["posts/*"], EDITOR);
    const admin = await hubs.connect(["posts/*"], ADMIN);
    await hubs.publish(postOf("p1", "open"));
    await hubs.settle(editor, admin);
    expect(idsOf(editor.received())).toEqual([]);
    expect(idsOf(admin.received())).toEqual(["p1+secret"]);
  });

  it("for topics are those that a subclass passes", async () => {
    const hubs = openHubs(1, "own-rules");
    await hubs.publish({ topic: "kept", data: 1 }, { topic: "other", data: 2 });
    expect((await hubs.registry.stats()).kept).toMatchObject({ topics: 1, messages: 1 });
  });

  it("are checked when the hub is created", async () => {
    const hubs = openHubs();
    const creating = hubs.inside((_, state) => {
      // The cast: the constructor reads variables only.
      new RealtimeHub(state, {} as unknown as Env, { rules: { posts: { listRule: "id =" } } });
    });
    await expect(creating).rejects.toThrow('The listRule of the collection "posts" is invalid.');
  });
});

describe("the Worker of hubs with rules", () => {
  /** An environment with another binding object for each test, because services are cached by the binding. */
  const environment = (REALTIME_RULES: string) => {
    const { REALTIME_HUB } = env as unknown as Env;
    const binding = { get: REALTIME_HUB.get, idFromName: REALTIME_HUB.idFromName };
    return { REALTIME_HUB: binding, REALTIME_RULES } as unknown as Env;
  };

  it("checks REALTIME_RULES, and leaves them to the hubs", () => {
    expect(() => getRealtime(environment(JSON.stringify(RULES)))).not.toThrow();
    expect(() => getRealtime(environment('{"posts":{"listRule":"id ="}}'))).toThrow(
      'REALTIME_RULES is invalid. The listRule of the collection "posts" is invalid.',
    );
  });

  it("refuses rules as an option, because the hubs would not apply them", () => {
    expect(() => getRealtime(environment(""), { rules: RULES })).toThrow(
      "On Workers the hubs apply rules. Set REALTIME_RULES, or pass rules to super() in a subclass of RealtimeHub.",
    );
  });
});
