import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { ADMIN_KEY, call, publish } from "../../support/api.ts";
import { closeClients } from "../../support/clients.ts";
import { received, resumed, withLastEventId } from "../../support/numbered.ts";
import { type RuntimeUnderTest, type Service, startService } from "../../support/service.ts";
import { openStream } from "../../support/sse-client.ts";
import { bearer, JWT_SECRET, tokenFor } from "../../support/tokens.ts";

const RULES = [
  { match: "room/*", keep: 5, private: true },
  { match: "posts/*", private: true, ttl: 60 },
];

const admin = bearer(ADMIN_KEY);

/** Topic rules, and erasing the history. */
export function topicRulesSuite(runtime: RuntimeUnderTest): void {
  describe("topic rules", () => {
    let service: Service;
    beforeAll(async () => {
      service = await startService(runtime, {
        env: { REALTIME_TOPICS: JSON.stringify(RULES), REALTIME_JWT_SECRET: JWT_SECRET },
      });
    });
    afterEach(closeClients);
    afterAll(() => service.stop());
    privateTests(() => service.url);
    routeTests(() => service.url);
    eraseTests(() => service.url);
  });
}

function privateTests(url: () => string): void {
  it("make messages private, unless an administrator publishes a public one", async () => {
    const topics = "?topic=room/1&topic=posts/r1&topic=fence";
    const guest = await openStream(url(), {}, topics);
    const token = await tokenFor("anna", { subscribe: ["room/*", "posts/*"] });
    const user = await openStream(url(), { headers: bearer(token) }, topics);
    const record = { id: "r1" };
    const { status } = await publish(url(), [
      { topic: "room/1", data: 1 },
      { topic: "room/1", data: 2, private: false },
      { collection: "posts", action: "delete", record },
    ]);
    expect(status).toBe(200);
    const got = await received(url(), "fence", guest, user);
    const data = got.map((events) => events.map((event): unknown => JSON.parse(event.data)));
    expect(data).toEqual([[2], [1, 2, { action: "delete", record }]]);
  });

  it("let a user publish no public message", async () => {
    const token = await tokenFor("anna", { publish: ["room/*"] });
    const message = { topic: "room/user", data: 1 };
    const refused = await publish(url(), { ...message, private: false }, token);
    expect([refused.status, Object.keys(refused.body.data)]).toEqual([400, ["private"]]);
    expect((await publish(url(), message, token)).status).toBe(200);
    const reader = bearer(await tokenFor("anna", { subscribe: ["room/user"] }));
    const read = (headers: HeadersInit) =>
      call(url(), "/api/realtime/messages?topic=room/user", { headers });
    expect((await read({})).body.messages).toEqual([]);
    expect((await read(reader)).body.messages).toMatchObject([{ data: 1 }]);
  });
}

function routeTests(url: () => string): void {
  const path = "/api/realtime/topics/rules";

  it("are listed for administrators, with the rule of a topic", async () => {
    const kept = {
      topics: expect.any(Number),
      bytes: expect.any(Number),
      evicted: expect.any(Number),
    };
    const read = async (query = "") => (await call(url(), path + query, { headers: admin })).body;
    expect(await read()).toEqual({ rules: RULES, kept });
    expect(await read("?topic=posts/1")).toEqual({ rules: RULES, kept, topic: "posts/1", rule: 1 });
    expect(await read("?topic=room")).toMatchObject({ topic: "room", rule: null });
    expect(await read("?topics=a")).toMatchObject({ status: 400, data: { topics: {} } });
    expect((await call(url(), path)).status).toBe(401);
    const user = bearer(await tokenFor("anna", { subscribe: ["*"] }));
    expect((await call(url(), path, { headers: user })).status).toBe(403);
  });
}

function eraseTests(url: () => string): void {
  const erase = (query: string, headers = admin) =>
    call(url(), `/api/realtime/messages${query}`, { method: "DELETE", headers });
  const history = async (topic: string) => {
    const { body } = await call(url(), `/api/realtime/messages?topic=${topic}`);
    return body.messages.map(({ data }: { data: unknown }) => data);
  };

  it("erases the history of a topic or of all below a prefix, and of no other", async () => {
    await publish(url(), [
      { topic: "users/1/a", data: 1 },
      { topic: "users/1/b", data: 2 },
      { topic: "users/2", data: 3 },
    ]);
    expect(await erase("?topic=users/1")).toMatchObject({ status: 200, body: { erased: 0 } });
    expect(await erase("?topic=users/1/*")).toMatchObject({ status: 200, body: { erased: 2 } });
    expect(await history("users/*")).toEqual([3]);
    expect((await erase("?topic=users/2")).body).toEqual({ erased: 1 });
    expect(await history("users/*")).toEqual([]);
  });

  it("erases no position: a stream that resumes gets the other messages", async () => {
    const first = await openStream(url(), {}, "?topic=kept");
    await publish(url(), { topic: "kept", data: 1 });
    const [{ id = "" } = {}] = await first.receive(1);
    first.close();
    await publish(url(), [
      { topic: "gone", data: 2 },
      { topic: "kept", data: 3 },
      { topic: "gone", data: 4 },
    ]);
    await erase("?topic=gone");
    const second = await openStream(url(), withLastEventId(id), "?topic=kept&topic=gone");
    expect(await resumed(second)).toEqual({ recovered: true, replayed: 1 });
    expect(second.events.map(({ data }) => data)).toContain("3");
  });

  it("erases for administrators only, and one topic without options at a time", async () => {
    await publish(url(), { topic: "whole", data: 1 });
    expect((await erase("?topic=whole", {} as typeof admin)).status).toBe(401);
    const user = bearer(await tokenFor("anna", { publish: ["*"], subscribe: ["*"] }));
    expect((await erase("?topic=whole", user)).status).toBe(403);
    const options = encodeURIComponent('{"last":1}');
    const wrong = ["", "?topic=", "?topic=whole&topic=b", `?topic=whole?options=${options}`];
    for (const query of wrong) {
      const { status, body } = await erase(query);
      expect([query, status, Object.keys(body.data)]).toEqual([query, 400, ["topic"]]);
    }
    expect((await erase("?topics=whole")).status).toBe(400);
    expect(await history("whole")).toEqual([1]);
  });
}
