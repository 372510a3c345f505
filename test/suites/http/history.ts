import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { ADMIN_KEY, type Answer, call, publish, setSubscriptions } from "../../support/api.ts";
import { closeClients } from "../../support/clients.ts";
import {
  numbers,
  numbersOf,
  publishNumbers,
  queryOf,
  received,
  resumed,
  withLastEventId,
} from "../../support/numbered.ts";
import { type RuntimeUnderTest, type Service, startService } from "../../support/service.ts";
import { openStream } from "../../support/sse-client.ts";
import { inPage, type Page, pages, type Query, type Read } from "./history-pages.ts";

type Ask = (topics: readonly string[], more?: Query) => Promise<Answer>;
export function historySuite(runtime: RuntimeUnderTest): void {
  describe("GET /api/realtime/messages", () => {
    let service: Service;
    beforeAll(async () => {
      service = await startService(runtime);
    });
    afterEach(closeClients);
    afterAll(() => service.stop());

    const ask: Ask = (topics, more) =>
      call(service.url, `/api/realtime/messages${queryOf(topics, more)}`);
    const read: Read = async (topics, more) => {
      const { status, headers, body } = await ask(topics, more);
      expect([status, body.message]).toEqual([200, undefined]);
      expect(headers.get("content-type")).toMatch(/^application\/json/);
      return body as Page;
    };
    pages(() => service.url, read);
    topics(() => service.url, read);
    refusing(() => service.url, ask, read);
    listening(() => service.url, read);
  });
}

function topics(url: () => string, read: Read): void {
  it("reads several topics, patterns and keys with options, each message once", async () => {
    const { cursor: after } = await read(["t/a"]);
    await publish(url(), [
      { topic: "t/a", data: { n: 1 } },
      { topic: "t/b/c", data: { n: 2 } },
      { topic: "t", data: { n: 3 } },
      { topic: "T/a", data: { n: 4 } },
      { topic: "t/a", data: { n: 5 } },
    ]);
    const found = async (...keys: string[]) => inPage(await read(keys, { after }));
    expect(await found("t/a")).toEqual([1, 5]);
    expect(await found("t/a", "", "t", "t/a")).toEqual([1, 3, 5]);
    expect(await found("t/*")).toEqual([1, 2, 5]);
    expect(await found("t/*", "t/a", "*")).toEqual([1, 2, 3, 4, 5]);
    expect(await found(`t/a?options=${encodeURIComponent('{"query":{"a":1}}')}`)).toEqual([1, 5]);
    expect(await found("t/a?x=1")).toEqual([]);
  });

  it("returns data unchanged, whatever its depth and length", async () => {
    const { cursor: after } = await read(["deep"]);
    const body = (depth: number) =>
      `{"topic":"deep","data":${"[".repeat(depth)}${"]".repeat(depth)}}`;
    // The deepest nesting that is accepted. Some runtimes parse deeper JSON than they can write.
    let taken = 0;
    for (const depth of [1000, 4000, 39_000, 120_000]) {
      const { status } = await publish(url(), body(depth));
      expect([200, 400]).toContain(status);
      if (status === 200) taken += 1;
    }
    expect(taken).toBeGreaterThan(0);
    const text = "ü".repeat(100_000);
    for (let n = 0; n < 5; n++) {
      expect((await publish(url(), { topic: "deep", data: { n, text } })).status).toBe(200);
    }
    const answer = await fetch(`${url()}/api/realtime/messages?topic=deep&after=${after}`);
    expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "application/json"]);
    const found = await answer.text();
    expect(found.split('"data":')).toHaveLength(taken + 5 + 1);
    expect(found.split(text)).toHaveLength(5 + 1);
    expect(found.endsWith('"more":false}')).toBe(true);
  });

  it("returns record events under their collection and record, and hides private messages", async () => {
    const { cursor: after } = await read(["posts"]);
    const record = { id: "r1", collectionId: "pbc_1", collectionName: "posts", n: 1 };
    await publish(url(), [
      { collection: "posts", action: "update", record },
      { topic: "posts/r1", data: { n: 2 }, private: true },
      { collection: "posts", action: "delete", record: { id: "r2" }, private: true },
    ]);
    for (const key of ["posts/*", "posts/r1", "posts", "pbc_1/*", "*"]) {
      const { messages, more } = await read([key], { after });
      expect([key, messages.map(({ data }) => data), more]).toEqual([
        key,
        [{ action: "update", record }],
        false,
      ]);
      expect(messages[0]?.topics).toEqual(expect.arrayContaining(["posts/r1", "posts"]));
    }
    expect(await read(["posts/r2"], { after })).toMatchObject({ messages: [], more: false });
  });
}

function refusing(url: () => string, ask: Ask, read: Read): void {
  const code = (code: string) => ({ code, message: expect.any(String) });
  const refused = async (topics: readonly string[], more: Query = {}) => {
    const { status, body } = await ask(topics, more);
    expect([topics, more, status]).toEqual([topics, more, 400]);
    expect(body).toEqual({ status: 400, message: expect.any(String), data: expect.any(Object) });
    expect(body.message).toContain(Object.keys(body.data)[0]);
    return body.data as unknown;
  };

  it("names the invalid field of a request", async () => {
    const tooLong = code("validation_length_too_long");
    const wrong = code("validation_match_invalid");
    expect(await refused([])).toEqual({ topic: code("validation_required") });
    expect(await refused(["", ""])).toEqual({ topic: code("validation_required") });
    expect(await refused(["a", "b".repeat(2501)])).toEqual({ topic: { 1: tooLong } });
    expect(await refused(["a\nb"])).toEqual({ topic: { 0: wrong } });
    expect(await refused(numbers(0, 1000).map(String))).toEqual({ topic: tooLong });
    for (const limit of ["0", "1001", "-1", "1.5", "x", "1e2", "9".repeat(20)]) {
      expect([limit, await refused(["a"], { limit })]).toEqual([limit, { limit: wrong }]);
    }
    const { cursor } = await read(["a"]);
    expect(await refused(["a"], { after: cursor, before: cursor })).toEqual({ before: wrong });
    expect(await refused(["a"], { after: "x".repeat(256) })).toEqual({ after: tooLong });
    expect(await refused(["a"], { before: "x".repeat(256) })).toEqual({ before: tooLong });
  });

  it("answers 410 for a cursor that is not in this history", async () => {
    const { cursor } = await read(["a"]);
    const epoch = cursor.split("-")[1];
    for (const unknown of ["x", "0-otherlife0-0", `0-${epoch}-999999999`, `7-${epoch}-0`, "🎉"]) {
      for (const name of ["after", "before"]) {
        const { status, body } = await ask(["a"], { [name]: unknown });
        expect([name, unknown, status]).toEqual([name, unknown, 410]);
        expect(body).toEqual({ status: 410, message: expect.stringContaining(name), data: {} });
      }
    }
  });

  it("needs no key, allows pages of any origin (also for errors), and refuses other methods", async () => {
    const headers = { Origin: "https://example.com" };
    for (const [query, status] of [
      ["?topic=a", 200],
      ["", 400],
      ["?topic=a&after=x", 410],
    ]) {
      const answer = await call(url(), `/api/realtime/messages${query}`, { headers });
      expect([query, answer.status]).toEqual([query, status]);
      expect(answer.headers.get("access-control-allow-origin")).toBe("*");
    }
    for (const method of ["PUT", "PATCH"]) {
      const authorized = { Authorization: `Bearer ${ADMIN_KEY}` };
      const answer = await call(url(), "/api/realtime/messages?topic=a", {
        method,
        headers: authorized,
      });
      expect([method, answer.status, answer.headers.get("allow")]).toEqual([
        method,
        405,
        "GET, POST, DELETE",
      ]);
    }
  });
}

function listening(url: () => string, read: Read): void {
  it("can fill a first screen: a stream that starts at the page's cursor misses and repeats nothing", async () => {
    const total = 600;
    const pouring = publishNumbers(url(), "screen", 1, total, { batch: 3 });
    const screens = await Promise.all(
      numbers(1, 6).map(async (index) => {
        const page = await read(["screen"], { limit: "1000" });
        const lastEventId = page.cursor;
        const way = index % 3;
        const query = queryOf(way === 2 ? [] : ["screen"], way === 1 ? { lastEventId } : {});
        const client = await openStream(
          url(),
          way === 1 ? {} : withLastEventId(lastEventId),
          query,
        );
        if (way === 2) await setSubscriptions(url(), client.clientId, ["screen"]);
        expect(await resumed(client)).toMatchObject({ recovered: true });
        return { page, client };
      }),
    );
    await pouring;
    const all = await received(url(), "screen", ...screens.map(({ client }) => client));
    for (const [index, { page }] of screens.entries()) {
      const got = [...inPage(page), ...numbersOf(all[index] ?? [])];
      expect([index, got]).toEqual([index, numbers(1, total)]);
    }
  });
}
