import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ADMIN_KEY, call } from "../support/api.ts";
import { eventually, within } from "../support/deadline.ts";
import { openRaw } from "../support/raw-client.ts";
import { type RuntimeUnderTest, type Service, startService } from "../support/service.ts";
import { bearer, inSeconds, JWT_SECRET, tokenFor } from "../support/tokens.ts";

/** `FUZZ_SECONDS` and `FUZZ_SEED` set the duration and the choices. */
const SECONDS = Number(process.env.FUZZ_SECONDS ?? 5);
const SEED = Number(process.env.FUZZ_SEED ?? Date.now() % 1_000_000_000);

interface Try {
  readonly method: string;
  readonly path: string;
  readonly query: readonly (readonly [name: string, value: string])[];
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array | undefined;
}

const PATHS = [
  "/api/realtime",
  "/api/realtime/messages",
  "/api/realtime/clients",
  "/api/realtime/clients/0-x",
  "/api/realtime/topics",
  "/api/realtime/revoke",
  "/api/realtime/stats",
  "/api/health",
  "/api/health/ready",
  "/api/openapi.json",
  "/api/docs",
  "/metrics",
  "/",
];
const FIELDS = [
  ...["clientId", "subscriptions", "lastEventId", "topic", "data", "id", "private", "collection"],
  ...["previous", "name", "type", "fields", "hidden"],
  ...[
    "action",
    "record",
    "subject",
    "after",
    "before",
    "limit",
    "last",
    "ping",
    "token",
    "__proto__",
  ],
];
const METHODS = [
  ...["GET", "GET", "GET", "GET", "POST", "POST", "POST", "POST", "POST"],
  ...["DELETE", "PUT", "HEAD", "OPTIONS"],
];
const CONTENT_TYPES = [
  "application/json",
  "application/json; charset=utf-16",
  "application/x-www-form-urlencoded",
  "multipart/form-data; boundary=x",
  "multipart/form-data",
  "text/plain",
  "",
];

/** Without lone surrogates, which a URL can't have. */
const wellFormed = (text: string) => Buffer.from(text).toString();

const field = fc.constantFrom(...FIELDS);
const text = fc.oneof(
  fc.string({ unit: "binary", maxLength: 50 }),
  fc.constantFrom(
    "a",
    "*",
    "a/*",
    "0-x-1",
    'a?options={"query":{"last":5}}',
    "a?options=%",
    "-1",
    "1e9",
  ),
);
const value = fc.oneof(fc.jsonValue({ maxDepth: 3 }), text, fc.array(text, { maxLength: 5 }));
const record = fc.dictionary(field, value, { maxKeys: 6 });
const json = fc
  .oneof(record, fc.array(record, { maxLength: 4 }), fc.jsonValue())
  .map((all) => JSON.stringify(all));
const form = fc
  .array(fc.tuple(field, text), { maxLength: 6 })
  .map((all) => new URLSearchParams(all.map(([name, value]) => [name, value])).toString());
const body = fc.oneof(
  { weight: 6, arbitrary: json },
  { weight: 2, arbitrary: form },
  { weight: 1, arbitrary: json.map((text) => text.slice(0, -1)) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }) },
  { weight: 1, arbitrary: fc.constant(undefined) },
);
/** A possible header value: one line of Latin-1. */
const headerValue = fc
  .oneof(
    fc.string({
      unit: fc.integer({ min: 32, max: 255 }).map((code) => String.fromCharCode(code)),
      maxLength: 40,
    }),
    fc.constantFrom("0-x-1.y", "https://evil.example", "null", "text/event-stream"),
  )
  .filter((value) => !value.includes("\x7f"));
const headers = (credentials: readonly Readonly<Record<string, string>>[]) =>
  fc
    .tuple(
      fc.constantFrom(...credentials),
      fc
        .constantFrom(...CONTENT_TYPES)
        .map((type) => (type === "" ? {} : { "Content-Type": type })),
      fc.dictionary(
        fc.constantFrom(
          "Last-Event-ID",
          "Origin",
          "Cookie",
          "X-Real-IP",
          "Accept",
          "Range",
          "If-None-Match",
          "Sec-Fetch-Site",
        ),
        headerValue,
        { maxKeys: 3 },
      ),
    )
    .map((parts): Record<string, string> => Object.assign({}, ...parts));

const tries = (credentials: readonly Readonly<Record<string, string>>[]): fc.Arbitrary<Try> =>
  fc.record({
    method: fc.constantFrom(...METHODS),
    path: fc.oneof(
      { weight: 5, arbitrary: fc.constantFrom(...PATHS) },
      {
        weight: 1,
        arbitrary: text.map((id) => `/api/realtime/clients/${encodeURIComponent(wellFormed(id))}`),
      },
      { weight: 1, arbitrary: fc.webPath() },
    ),
    query: fc.array(fc.tuple(field, text), { maxLength: 4 }),
    headers: headers(credentials),
    body,
  });

/** Random requests to every route: never a 500, never a crash, never a stack trace in a response. */
export function fuzzSuite(runtime: RuntimeUnderTest): void {
  describe(`random input to ${runtime.name}`, () => {
    let service: Service;
    beforeAll(async () => {
      service = await startService(runtime, {
        env: {
          REALTIME_JWT_SECRET: JWT_SECRET,
          REALTIME_COOKIE: "session",
          REALTIME_TRUSTED_PROXY_HEADER: "X-Real-IP",
          REALTIME_REQUEST_SECONDS: "2",
        },
      });
    });
    afterAll(() => service.stop());

    it(
      "as requests gets a response with a status below 500",
      async () => {
        const everything = { subscribe: ["*"], publish: ["*"] };
        const token = await tokenFor("anna", everything);
        const old = await tokenFor("anna", everything, { exp: inSeconds(-60) });
        const credentials = [
          ...[{}, {}, bearer(ADMIN_KEY), bearer(token), { Authorization: token }, bearer(old)],
          ...[{ Authorization: "Basic eDp5" }, { Cookie: `session=${token}` }],
        ];
        let count = 0;
        const statuses = new Map<number, number>();
        const answered = fc.asyncProperty(tries(credentials), async (one) => {
          count += 1;
          const { status, text } = await within(
            send(service.url, one),
            15_000,
            "the request is answered",
          );
          statuses.set(status, (statuses.get(status) ?? 0) + 1);
          expect(status).toBeGreaterThanOrEqual(200);
          expect(status).toBeLessThan(500);
          expect(text).not.toMatch(/\n? {4}at |node:internal|node_modules|\.ts:\d+/);
        });
        await fc.assert(answered, {
          seed: SEED,
          numRuns: 1_000_000,
          interruptAfterTimeLimit: SECONDS * 1000,
          endOnFailure: true,
        });
        const found = JSON.stringify(Object.fromEntries(statuses));
        console.log(`fuzz on ${runtime.name}: seed ${SEED}, ${count} requests, by status ${found}`);
        // A run without an accepted request proves nothing.
        for (const status of [200, 204, 400, 401, 404, 405])
          expect(statuses.has(status)).toBe(true);
        expect(service.logs.filter(({ msg }) => msg === "request failed")).toEqual([]);
      },
      (SECONDS + 60) * 1000,
    );

    it("as bytes that are not HTTP leaves the service running", async () => {
      const garbage = fc.sample(fc.uint8Array({ minLength: 1, maxLength: 300 }), {
        seed: SEED,
        numRuns: 50,
      });
      for (const bytes of garbage) {
        const raw = await openRaw(service.url, {
          method: "POST",
          headers: { "Content-Length": "5" },
        });
        raw.socket.end(Buffer.concat([bytes, Buffer.from("\r\n\r\n")]));
      }
      const isHealthy = async () => (await call(service.url, "/api/health")).status === 200;
      await eventually(isHealthy, "the service is healthy");
      expect(service.logs.filter(({ msg }) => msg === "request failed")).toEqual([]);
    });
  });
}

async function send(url: string, { method, path, query, headers, body }: Try) {
  const abort = new AbortController();
  const search = new URLSearchParams(query.map(([name, value]) => [name, value]));
  const takesBody = method !== "GET" && method !== "HEAD";
  const response = await fetch(`${url}${path}?${search}`, {
    method,
    headers,
    ...(takesBody && body !== undefined && { body: body as BodyInit }),
    redirect: "manual",
    signal: abort.signal,
  });
  if (response.headers.get("content-type") !== "text/event-stream") {
    return { status: response.status, text: await response.text() };
  }
  // The first bytes of a stream are enough.
  const first = await response.body?.getReader().read();
  abort.abort();
  return { status: response.status, text: new TextDecoder().decode(first?.value) };
}
