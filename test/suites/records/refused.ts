import { describe, expect, it } from "vitest";
import { type Answer, call, readStats } from "../../support/api.ts";
import { queryOf } from "../../support/numbered.ts";
import { openStream } from "../../support/sse-client.ts";
import { subscriptionKey } from "../../support/subscription-key.ts";
import { ADMIN } from "../access/context.ts";
import { type Headers, idsOf, type RecordsWorld } from "./context.ts";

/** Options that are refused, and a part of the message that says why. */
const BAD: readonly (readonly [what: string, key: string, message: string])[] = [
  ["a filter without an operator", filtered("votes"), "Invalid filter at position 5:"],
  ["a filter that ends early", filtered("votes > 1 &&"), "Invalid filter at position 12:"],
  ["an unknown operator", filtered("votes == 1"), "Invalid filter at position 6:"],
  ["a text without an end", filtered("title = 'x"), "Invalid filter at position 8:"],
  ["another collection", filtered("@collection.users.id = 1"), "Invalid filter at position 0:"],
  ["the requester", filtered("id = @request.auth.id"), "Invalid filter at position 5:"],
  ["an unknown function", filtered("a = 1 && now() > 1"), "Invalid filter at position 9:"],
  ["201 nested brackets", filtered(nested(201)), "Invalid filter at position 200:"],
  ["brackets without end", filtered("(".repeat(2000)), "Invalid filter at position 0:"],
  ["201 comparisons", filtered(Array(201).fill("a=1").join("||")), "Invalid filter at position"],
  ["fields with an unknown modifier", options({ fields: "id:up(1)" }), "fields"],
  ["an unknown action", options({ actions: "create,remove" }), '"remove"'],
  ["an unknown value of leave", options({ leave: "perhaps" }), '"leave"'],
  ["options that are not JSON", 'posts/*?options={"query"', "JSON object"],
];

function nested(depth: number): string {
  return `${"(".repeat(depth)}a=1${")".repeat(depth)}`;
}

function filtered(filter: string): string {
  return options({ filter });
}

function options(query: object): string {
  return subscriptionKey("posts/*", query);
}

/** The same keys in the three requests that take subscription keys. */
function requests(world: RecordsWorld) {
  return {
    "GET /api/realtime": (keys: readonly string[], headers: Headers = {}) =>
      call(world.url, `/api/realtime${queryOf(keys)}`, { headers }),
    "POST /api/realtime": async (keys: readonly string[], headers: Headers = {}) =>
      world.subscribe(await openStream(world.url, { headers }), keys, headers),
    "GET /api/realtime/messages": (keys: readonly string[], headers: Headers = {}) =>
      call(world.url, `/api/realtime/messages${queryOf(keys)}`, { headers }),
  } satisfies Record<string, (keys: readonly string[], headers?: Headers) => Promise<Answer>>;
}

export function refusedTests(world: RecordsWorld): void {
  describe("options that can't be read", () => {
    it.each(BAD)("are refused with the reason: %s", async (_, bad, message) => {
      for (const [route, request] of Object.entries(requests(world))) {
        const { status, body } = await request(["chat", bad, "posts"]);
        expect([route, status, body.message]).toEqual([
          route,
          400,
          expect.stringContaining(message),
        ]);
        expect(body).toEqual({
          status: 400,
          message: expect.any(String),
          data: {
            subscriptions: {
              1: {
                code: expect.stringMatching(/^validation_/),
                message: expect.stringContaining(message),
              },
            },
          },
        });
      }
    });

    it("open no stream, and change no subscription of the client", async () => {
      const good = subscriptionKey("posts/*", { filter: "n > 1" });
      const bad = subscriptionKey("posts/*", { filter: "n >" });
      const client = await world.listen([good, "chat"]);
      const described = () =>
        call(world.url, `/api/realtime/clients/${client.clientId}`, { headers: ADMIN });
      const [before, { connects }] = [await described(), await readStats(world.url)];
      expect(before.body.subscriptions).toContain(good);
      expect((await world.subscribe(client, ["posts", bad, "news"])).status).toBe(400);
      expect((await call(world.url, `/api/realtime${queryOf(["posts", bad])}`)).status).toBe(400);
      expect((await described()).body.subscriptions).toEqual(before.body.subscriptions);
      expect((await readStats(world.url)).connects).toBe(connects);
      const event = { collection: "posts", action: "create" };
      await world.publish(
        { ...event, record: { id: "r1", n: 1 } },
        { topic: "news", data: 1 },
        { ...event, record: { id: "r2", n: 2 } },
        { topic: "chat", data: 2 },
      );
      expect(await world.heard(client)).toEqual([
        [good, { action: "create", record: { id: "r2", n: 2 } }],
        ["chat", 2],
      ]);
    });

    it("are refused if they name a field that the rules hide, but not for an administrator", async () => {
      const topics = ["files/*", "files", "files/f1", "pbc_files/*"];
      const filters = ["size > 1", "id != '' && path ~ 'home'", "strftime('%Y', path) = ''"];
      const users = ["pin = 1", "tokenKey ~ 'a'", "password != ''"];
      const keys = [
        ...topics.flatMap((topic) => filters.map((filter) => subscriptionKey(topic, { filter }))),
        ...users.map((filter) => subscriptionKey("users/*", { filter })),
        subscriptionKey("users/*", { changed: "name,pin" }),
      ];
      for (const [route, request] of Object.entries(requests(world))) {
        if (route === "GET /api/realtime") continue;
        for (const key of keys) {
          const { status, body } = await request([key]);
          expect([route, key, status]).toEqual([route, key, 400]);
          expect(body.data.subscriptions[0].message).toContain("can't be used in ");
        }
        const answer = await request(keys, ADMIN);
        expect([route, answer.status]).toEqual([route, route.startsWith("POST") ? 204 : 200]);
      }
    });

    it("do not include options that are unknown", async () => {
      const keys = [{ sort: "-n" }, { page: 1, filter: "n = 1" }, { expand: "author" }].map(
        (query) => subscriptionKey("posts/*", query),
      );
      const client = await world.listen(keys);
      const record = { id: "r1", n: 1 };
      await world.publish({ collection: "posts", action: "create", record });
      expect(idsOf(await world.heard(client))).toEqual(["r1", "r1", "r1"]);
    });
  });
}
