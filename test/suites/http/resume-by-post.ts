import { expect, it } from "vitest";
import { call, postJSON, setSubscriptions } from "../../support/api.ts";
import { eventually } from "../../support/deadline.ts";
import { queryOf, resumed, withLastEventId } from "../../support/numbered.ts";
import type { SSEClient } from "../../support/sse-client.ts";

/** Publishes a number, and returns its cursor. */
export type Post = (topic: string, n: number) => Promise<string>;
export type Open = (query: string, init?: RequestInit) => Promise<SSEClient>;
/** The numbers that each client has received, after every earlier message has arrived. */
export type Heard = (topic: string, ...clients: SSEClient[]) => Promise<number[][]>;

/** The start position of a stream that subscribes by POST. */
export function resumeByPost(url: () => string, open: Open, post: Post, heard: Heard): void {
  const subscribe = (body: unknown) => postJSON(url(), "/api/realtime", body);
  const started = async () => {
    const before = await post("posted", 1);
    await post("posted", 2);
    await post("posted", 3);
    return before;
  };

  it("is remembered for the first POST that subscribes, and only for that", async () => {
    for (const isHeader of [true, false]) {
      const before = await started();
      const query = queryOf([], { lastEventId: before });
      const client = isHeader ? await open("", withLastEventId(before)) : await open(query);
      await post("other", 4);
      expect((await setSubscriptions(url(), client.clientId, [])).status).toBe(204);
      expect(client.events).toEqual([]);
      await setSubscriptions(url(), client.clientId, ["posted"]);
      expect(await resumed(client)).toEqual({ recovered: true, replayed: 2 });
      await setSubscriptions(url(), client.clientId, ["posted", "other"]);
      expect(await heard("posted", client)).toEqual([[2, 3]]);
      const resumes = client.events.filter(({ event }) => event === "PB_RESUME");
      expect(resumes).toHaveLength(1);
      client.close();
    }
  });

  it("is reported as lost at the first POST of a stream without topics", async () => {
    const client = await open("", withLastEventId("garbage"));
    await setSubscriptions(url(), client.clientId, ["posted"]);
    expect(await resumed(client)).toEqual({ recovered: false });
    expect(await heard("posted", client)).toEqual([[]]);
  });

  it("is a POST's lastEventId, as JSON and as a form", async () => {
    const lastEventId = await started();
    const fields = (form: URLSearchParams | FormData, clientId: string) => {
      form.append("clientId", clientId);
      form.append("subscriptions", "posted");
      form.append("lastEventId", lastEventId);
      return { method: "POST", body: form };
    };
    const clients = await Promise.all([open(""), open(""), open("", withLastEventId("garbage"))]);
    const [json, form, multipart] = clients.map(({ clientId }) => clientId);
    const answers = [
      await subscribe({ clientId: json, subscriptions: ["posted"], lastEventId }),
      await call(url(), "/api/realtime", fields(new URLSearchParams(), form ?? "")),
      await call(url(), "/api/realtime", fields(new FormData(), multipart ?? "")),
    ];
    expect(answers.map(({ status }) => status)).toEqual([204, 204, 204]);
    for (const client of clients) {
      expect(await resumed(client)).toEqual({ recovered: true, replayed: 2 });
    }
    expect(await heard("posted", ...clients)).toEqual([
      [2, 3],
      [2, 3],
      [2, 3],
    ]);
  });

  it("is no error when a POST's lastEventId is null, empty or not a cursor, and an error when it is not a string or too long", async () => {
    const { clientId, events } = await open("");
    const answer = (lastEventId: unknown) =>
      subscribe({ clientId, subscriptions: ["posted"], lastEventId });
    for (const id of [null, "", "garbage", "x".repeat(255)]) {
      expect([id, (await answer(id)).status]).toEqual([id, 204]);
    }
    // Two of the four values are not empty and not a cursor.
    await eventually(() => events.length === 2, "the client receives PB_RESUME twice");
    const data = '{"recovered":false}';
    expect(events.map((event) => event.data)).toEqual([data, data]);
    const code = (code: string) => ({ lastEventId: { code, message: expect.any(String) } });
    expect((await answer("x".repeat(256))).body).toMatchObject({
      status: 400,
      data: code("validation_length_too_long"),
    });
    expect((await answer(7)).body).toMatchObject({
      status: 400,
      data: code("validation_invalid_type"),
    });
  });
}
