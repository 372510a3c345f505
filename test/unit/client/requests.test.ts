import { describe, expect, it } from "vitest";
import { createSend } from "../../../src/client/requests.ts";

/** Sends with a `fetch` that gives this answer. @returns what was sent, and the result or error. */
async function send(answer: () => Response | Promise<Response>, body?: unknown, token?: string) {
  const sent: [string, RequestInit][] = [];
  const fetchOnce = async (url: string, init: RequestInit) => {
    sent.push([url, init]);
    return answer();
  };
  const run = createSend("http://test/api/realtime", fetchOnce, "include");
  const result = await run("/messages", body, token).catch((error: unknown) => error);
  const [url, init] = sent[0] ?? ["", {}];
  return { url, init, result };
}

const json = (status: number, body: unknown, headers = {}) =>
  new Response(typeof body === "string" ? body : JSON.stringify(body), { status, headers });

describe("a request", () => {
  it("is a GET without a body, and a POST with JSON and the token", async () => {
    const get = await send(() => json(200, []));
    expect([get.url, get.init.method, get.init.headers, get.init.body]).toEqual([
      "http://test/api/realtime/messages",
      "GET",
      {},
      null,
    ]);
    const post = await send(() => json(200, []), { a: 1 }, "t");
    expect(post.init).toMatchObject({ method: "POST", body: '{"a":1}', credentials: "include" });
    expect(post.init.headers).toEqual({
      Authorization: "Bearer t",
      "Content-Type": "application/json",
    });
    expect(post.init.signal).toBeInstanceOf(AbortSignal);
  });

  it("rejects with the message, the fields and the time to wait of the answer", async () => {
    const data = { topic: { code: "c", message: "m" } };
    const answer = () => json(429, { message: "Too fast.", data }, { "Retry-After": "3" });
    const { result } = await send(answer);
    expect(result).toMatchObject({ message: "Too fast.", status: 429, data, retryAfter: 3000 });
  });

  it("rejects with the status if the answer is that of a proxy", async () => {
    const headers = { "Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT" };
    const { result } = await send(() => json(502, "<html>", headers));
    const message = "The service answered 502.";
    expect(result).toMatchObject({ message, status: 502, retryAfter: 0 });
  });

  it("rejects with status 0 and the cause if there is no answer", async () => {
    const cause = new TypeError("fetch failed");
    const { result } = await send(() => Promise.reject(cause));
    const message = "The service at http://test/api/realtime does not answer.";
    expect(result).toMatchObject({ message, status: 0, cause });
  });
});
