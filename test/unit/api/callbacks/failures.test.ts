/** A backend that is slow, down, lying, or sends too much: each request is refused with 503, in bounded time and memory. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { CallbackOptions } from "../../../../src/api/callbacks/options.ts";
import { Slots } from "../../../../src/api/callbacks/slots.ts";
import { createServer } from "../../../../src/api/server.ts";
import type { LogFields } from "../../../../src/realtime/types.ts";
import {
  type BackendAnswer,
  CALLBACK_SECRET,
  type CallbackBackend,
  startBackend,
} from "../../../support/callback-backend.ts";
import { eventually } from "../../../support/deadline.ts";

const ADMIN_KEY = "the-key-of-this-test";

let backend: CallbackBackend;
beforeEach(async () => {
  backend = await startBackend();
});
afterEach(() => backend.close());

/** A service, and the lines of its log at level error. */
function serve(options: Partial<CallbackOptions> = {}) {
  const errors: LogFields[] = [];
  const ignore = () => undefined;
  const error = (msg: string, fields: LogFields = {}) => errors.push({ msg, ...fields });
  const { app } = createServer({
    adminKey: ADMIN_KEY,
    logger: { debug: ignore, info: ignore, warn: ignore, error },
    runtime: { isOneProcess: true },
    callbacks: {
      url: backend.url,
      secret: CALLBACK_SECRET,
      ask: ["publish", "subscribe"],
      ...options,
    },
  });
  const headers = { "Content-Type": "application/json", Authorization: `Bearer ${ADMIN_KEY}` };
  return {
    errors,
    publish: async (messages: unknown = { topic: "a", data: 1 }) => {
      const init = { method: "POST", headers, body: JSON.stringify(messages) };
      const response = await app.request("/api/realtime/messages", init);
      const retryAfter = response.headers.get("Retry-After");
      return { status: response.status, retryAfter, text: await response.text() };
    },
    read: async () => (await app.request("/api/realtime/messages?topic=a")).status,
    counts: async (): Promise<unknown> => {
      const response = await app.request("/api/realtime/stats", { headers });
      return ((await response.json()) as { callbacks: unknown }).callbacks;
    },
  };
}

/** An answer of which `size` bytes are sent, or as many as the service takes. Returns how many were sent. */
function endless(sent: { bytes: number }, size: number): BackendAnswer {
  return (_body, response) => {
    const chunk = " ".repeat(16 * 1024);
    const write = () => {
      while (sent.bytes < size && !response.destroyed) {
        sent.bytes += chunk.length;
        if (!response.write(chunk)) return void response.once("drain", write);
      }
      response.end('{"allow":true}');
    };
    write();
    return undefined;
  };
}

const status =
  (code: number, headers = {}): BackendAnswer =>
  (_body, response) => {
    response.writeHead(code, headers).end('{"allow":true}');
    return undefined;
  };
const text =
  (body: string): BackendAnswer =>
  (_body, response) => {
    response.end(body);
    return undefined;
  };
const object =
  (answer: object): BackendAnswer =>
  () =>
    answer;

const MEBIBYTE = 1024 * 1024;

describe("a request gets 503, and the log says why, when the backend", () => {
  const cases: readonly (readonly [what: string, answer: BackendAnswer, reason: RegExp])[] = [
    ["answers 500", status(500), /answered 500$/],
    ["answers 204", status(204), /answered 204$/],
    ["answers 403, which is not a refusal", status(403), /answered 403$/],
    [
      "closes the connection",
      (_body, response) => void response.destroy(),
      /fetch failed|ECONNRESET/,
    ],
    ["answers an empty body", text(""), /the answer is not JSON$/],
    ["answers a page", text("<html>"), /the answer is not JSON$/],
    ["answers a list", text("[]"), /Must be an object/],
    ["answers null", text("null"), /body: Cannot be blank/],
    ["leaves out allow", object({}), /allow: Cannot be blank/],
    ["answers allow as a text", object({ allow: "yes" }), /allow: Must be a boolean/],
    ["misspells a field", object({ allow: true, mesage: {} }), /mesage: .*Did you mean "message"/],
    ["answers a field of another question", object({ allow: true, identity: "a" }), /identity: /],
    [
      "answers a message that is a list",
      object({ allow: true, message: [] }),
      /message: Must be an object/,
    ],
    [
      "answers an invalid message",
      object({ allow: true, message: { topic: "a" } }),
      /data: Cannot be left out/,
    ],
    [
      "refuses with another status",
      object({ allow: false, status: 302 }),
      /status: Must be 401, 403 or 429/,
    ],
    [
      "refuses with a long reason",
      object({ allow: false, reason: "x".repeat(501) }),
      /reason: .*500/,
    ],
  ];
  it.each(cases)("%s", async (_what, answer, reason) => {
    backend.answer = answer;
    const { publish, errors, counts } = serve();
    const refused = await publish();
    expect(refused).toMatchObject({ status: 503, retryAfter: "5" });
    expect(refused.text).toContain("The backend gave no valid answer");
    expect(errors.map(({ msg }) => msg)).toEqual(["callback failed"]);
    expect(errors[0]?.error).toMatch(reason);
    expect(errors[0]?.error).toMatch(/^publish: /);
    expect(JSON.stringify([refused, errors])).not.toMatch(/hidden|whsec_|64 bytes lon/);
    expect(await counts()).toMatchObject({ asked: 1, failed: 1, refused: 0 });
  });

  it("is not there", async () => {
    await backend.close();
    const { publish, errors } = serve();
    expect(await publish()).toMatchObject({ status: 503 });
    expect(errors).toMatchObject([{ error: expect.stringContaining("ECONNREFUSED") }]);
    backend = await startBackend();
  });

  it("redirects: the redirect is not followed", async () => {
    const other = await startBackend();
    backend.answer = status(307, { Location: other.url });
    const { publish, errors } = serve();
    expect(await publish()).toMatchObject({ status: 503 });
    expect(errors).toMatchObject([{ error: expect.stringMatching(/answered 307$/) }]);
    expect(other.bodies).toEqual([]);
    await other.close();
  });

  it("does not answer in time", async () => {
    backend.answer = () => new Promise(() => undefined);
    const { publish, errors } = serve({ timeout: 100 });
    expect(await publish()).toMatchObject({ status: 503 });
    expect(errors).toMatchObject([
      { error: expect.stringMatching(/\/hook did not answer in time$/) },
    ]);
  });

  it("sends a byte from time to time", async () => {
    backend.answer = (_body, response) => {
      const timer = setInterval(() => response.write(" "), 10);
      response.on("close", () => clearInterval(timer));
      return undefined;
    };
    const { publish, errors } = serve({ timeout: 200 });
    expect(await publish()).toMatchObject({ status: 503 });
    expect(errors).toMatchObject([{ error: expect.stringMatching(/did not answer in time$/) }]);
  });

  it("answers 10 MB: reading stops", async () => {
    const sent = { bytes: 0 };
    backend.answer = endless(sent, 10 * MEBIBYTE);
    const { read, errors } = serve();
    expect(await read()).toBe(503);
    expect(errors).toMatchObject([{ error: expect.stringContaining("longer than 65536 bytes") }]);
    // What the buffers of both sockets take.
    expect(sent.bytes).toBeLessThan(9 * MEBIBYTE);
  });
});

describe("a question", () => {
  it("is sent once more, with the same id, when the connection breaks", async () => {
    let requests = 0;
    backend.answer = (_body, response) => {
      requests += 1;
      return requests === 1 ? void response.destroy() : { allow: true };
    };
    const { publish } = serve();
    expect(await publish()).toMatchObject({ status: 200 });
    expect(backend.ids).toHaveLength(2);
    expect(backend.ids[1]).toBe(backend.ids[0]);
  });

  it("waits for a free place, and is refused when too many wait", async () => {
    const answers: ((answer: object) => void)[] = [];
    backend.answer = () => new Promise((resolve) => answers.push(resolve));
    const { read, counts } = serve({ maxConcurrent: 2 });
    const reads = Array.from({ length: 2 + 2 * 16 + 3 }, read);
    const statuses: number[] = [];
    for (const one of reads) void one.then((status) => statuses.push(status));
    await eventually(() => statuses.length === 3 && answers.length === 2, "three are refused");
    expect(statuses).toEqual([503, 503, 503]);
    while (statuses.length < reads.length) {
      expect(answers.length).toBeLessThanOrEqual(2);
      await eventually(() => answers.length > 0 || statuses.length === reads.length, "an answer");
      answers.shift()?.({ allow: true });
    }
    expect(statuses.filter((status) => status === 200)).toHaveLength(34);
    expect(await counts()).toMatchObject({ asked: 34, failed: 3 });
  });

  it("about each message of a batch is asked six at a time, within one time", async () => {
    let most = 0;
    let open = 0;
    backend.answer = async () => {
      open += 1;
      most = Math.max(most, open);
      await new Promise((resolve) => setTimeout(resolve, 5));
      open -= 1;
      return { allow: true };
    };
    const { publish } = serve();
    const batch = Array.from({ length: 30 }, (_, data) => ({ topic: "a", data }));
    expect(await publish(batch)).toMatchObject({ status: 200 });
    expect(most).toBeLessThanOrEqual(6);
    expect(backend.bodies).toHaveLength(30);
    backend.answer = () => new Promise(() => undefined);
    const slow = serve({ timeout: 100 });
    expect(await slow.publish(batch)).toMatchObject({ status: 503 });
    expect(backend.bodies.length).toBeLessThanOrEqual(36);
  });
});

it("a place becomes free when a task fails or its wait ends", async () => {
  const slots = new Slots(1, 1);
  const never = new AbortController();
  await expect(slots.run(never.signal, () => Promise.reject(new Error("failed")))).rejects.toThrow(
    "failed",
  );
  let finish = (): void => undefined;
  const first = slots.run(never.signal, () => new Promise<void>((resolve) => (finish = resolve)));
  const impatient = new AbortController();
  const second = slots.run(impatient.signal, async () => "second");
  await expect(slots.run(never.signal, async () => "third")).rejects.toThrow("too many");
  impatient.abort();
  await expect(second).rejects.toThrow("no free place");
  const late = slots.run(impatient.signal, async () => "late");
  await expect(Promise.race([late, new Promise(setImmediate)])).rejects.toThrow("no free place");
  const fourth = slots.run(never.signal, async () => "fourth");
  finish();
  await first;
  expect(await fourth).toBe("fourth");
});
