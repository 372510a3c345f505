import { afterEach, describe, expect, it, vi } from "vitest";
import {
  createIntrospection,
  type IntrospectionOptions,
} from "../../../../src/api/auth/introspection.ts";
import { createServer } from "../../../../src/api/server.ts";
import { eventually } from "../../../support/deadline.ts";
import { type JSONAnswer, type JSONServer, startJSONServer } from "../../../support/json-server.ts";
import { inSeconds, signToken } from "../../../support/tokens.ts";

let server: JSONServer | undefined;
afterEach(async () => {
  vi.restoreAllMocks();
  await server?.close();
  server = undefined;
});

/** An endpoint with the given answers, and a verifier with a clock of the test's own. */
async function world(
  answer: () => JSONAnswer | Promise<JSONAnswer>,
  options: Partial<IntrospectionOptions> = {},
) {
  server = await startJSONServer(answer);
  let time = Date.now();
  const url = `${server.url}/api/collections/users/auth-refresh`;
  const verify = createIntrospection({ url, now: () => time, ...options });
  return {
    verify,
    requests: server.requests,
    pass: (milliseconds: number) => {
      time += milliseconds;
    },
    now: () => time,
  };
}

const record = { id: "r1", collectionId: "pbc_1", collectionName: "users" };

describe("an introspection endpoint", () => {
  it("is asked at a limited rate by one network", async () => {
    server = await startJSONServer(() => ({ status: 401, body: {} }));
    const { app } = createServer({
      introspection: { url: server.url },
      connectsPerSecond: 1,
      trustedProxyHeader: "X-Real-IP",
      adminKey: "an-admin-key-of-16",
    });
    const statuses = new Map<number, number>();
    const send = async (token: string, ip: string) => {
      const headers = { Authorization: token, "X-Real-IP": ip };
      const { status } = await app.request("/api/realtime/messages", { method: "POST", headers });
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      return status;
    };
    for (let n = 0; n < 30; n++) await send(`opaque-${n}`, "192.0.2.1");
    // Ten seconds' worth, and what the rate adds meanwhile.
    const asked = server.requests.length;
    expect(asked).toBeGreaterThanOrEqual(10);
    expect(asked).toBeLessThan(25);
    expect(Object.fromEntries(statuses)).toEqual({ 401: asked, 429: 30 - asked });
    expect(await send("opaque-x", "192.0.2.2")).toBe(401);
    // A cached token and the admin key need no question.
    expect(await send("opaque-0", "192.0.2.1")).toBe(401);
    expect(await send("an-admin-key-of-16", "192.0.2.1")).toBe(415);
  });
});

/** Resolves when this number of tokens has been hashed. From then on their requests share a question. */
function whenHashed(count: number): () => Promise<unknown> {
  const hash = crypto.subtle.digest.bind(crypto.subtle);
  let hashed = 0;
  vi.spyOn(crypto.subtle, "digest").mockImplementation(async (...given) => {
    const result = await hash(...given);
    hashed += 1;
    return result;
  });
  return () => eventually(() => hashed >= count, "the tokens are hashed");
}

describe("concurrent requests with the same token", () => {
  const answer = () => ({ status: 200, body: { sub: "anna", exp: inSeconds(60) } });

  it("share one question in one process, and each gets the answer", async () => {
    const hashed = whenHashed(50);
    const whenAllHaveAsked = async () => {
      await hashed();
      return answer();
    };
    const options = { isOneProcess: true, cacheTime: 0 };
    const { verify, requests } = await world(whenAllHaveAsked, options);
    let charged = 0;
    const ask = (token: string) =>
      verify(token, () => {
        charged += 1;
      });
    const all = await Promise.all(Array.from({ length: 50 }, (_, n) => ask(`opaque-${n % 2}`)));
    expect(new Set(all.map(({ subject }) => subject))).toEqual(new Set(["anna"]));
    expect([requests.length, charged]).toEqual([2, 2]);
    await ask("opaque-0");
    expect(requests.length).toBe(3);
  });

  it("share a failure, and the next request asks again", async () => {
    let status = 500;
    const hashed = whenHashed(20);
    const whenAllHaveAsked = async () => {
      await hashed();
      return { ...answer(), status };
    };
    const { verify, requests } = await world(whenAllHaveAsked, { isOneProcess: true });
    const all = await Promise.allSettled(Array.from({ length: 20 }, () => verify("opaque")));
    expect(new Set(all.map(({ status }) => status))).toEqual(new Set(["rejected"]));
    expect(requests.length).toBe(1);
    status = 200;
    expect(await verify("opaque")).toMatchObject({ subject: "anna" });
  });

  it("ask one by one where a request must not wait for another's I/O", async () => {
    const hashed = whenHashed(5);
    const whenAllHaveAsked = async () => {
      await hashed();
      return answer();
    };
    const { verify, requests } = await world(whenAllHaveAsked);
    await Promise.all(Array.from({ length: 5 }, () => verify("opaque")));
    expect(requests.length).toBe(5);
  });
});

describe("a token that the endpoint verifies", () => {
  it("may be issued ahead of this clock by the allowed skew", async () => {
    const answer = { sub: "anna", exp: inSeconds(60), iat: inSeconds(60) };
    const strict = await world(() => ({ status: 200, body: answer }));
    await expect(strict.verify("opaque")).rejects.toMatchObject({ code: "refused_token" });
    await server?.close();
    const lax = await world(() => ({ status: 200, body: answer }), { clockSkew: 120_000 });
    expect(await lax.verify("opaque")).toMatchObject({ subject: "anna" });
  });

  it.each([
    { active: "false", sub: "anna" },
    { active: 0, sub: "anna" },
    { active: null, sub: "anna" },
    { record: { id: "", collectionName: "users" } },
    { record: { id: "r1", collectionName: "" } },
  ])("is refused when the answer is %j", async (body) => {
    const { verify } = await world(() => ({ body: { exp: inSeconds(50), ...body } }));
    await expect(verify("opaque")).rejects.toMatchObject({ code: "refused_token" });
  });

  it("is sent without Bearer, and belongs to PocketBase's record", async () => {
    const token = await signToken({ id: "r1", sub: undefined, iat: undefined });
    const { verify, requests, now } = await world(() => ({ body: { token: "another", record } }));
    const { exp } = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString());
    expect(await verify(token)).toEqual({
      ...{ subject: "users/r1", subscribe: undefined, publish: undefined, record },
      ...{ issuedAt: now(), expiresAt: exp * 1000 },
    });
    const [request] = requests;
    expect([request?.method, request?.url]).toEqual([
      "POST",
      "/api/collections/users/auth-refresh",
    ]);
    expect(request?.headers.authorization).toBe(token);
  });

  it("belongs to the subject of the answer, with its rights", async () => {
    const realtime = { subscribe: ["a"], publish: ["b/*"] };
    const exp = inSeconds(50);
    const { verify } = await world(() => ({ body: { sub: "anna", exp, realtime, more: 1 } }));
    expect(await verify("opaque")).toMatchObject({
      ...{ subject: "anna", subscribe: ["a"], publish: ["b/*"], expiresAt: exp * 1000 },
    });
  });

  it("takes its time of issue from the answer, then from its own claims, and otherwise from now", async () => {
    const exp = inSeconds(50);
    const iat = inSeconds(-100);
    const said = await world(() => ({ body: { sub: "anna", exp, iat } }));
    expect((await said.verify("opaque")).issuedAt).toBe(iat * 1000);
    await server?.close();
    const silent = await world(() => ({ body: { sub: "anna" } }));
    expect((await silent.verify(await signToken({ iat, exp }))).issuedAt).toBe(iat * 1000);
    expect((await silent.verify(await signToken({ iat: undefined }))).issuedAt).toBe(silent.now());
  });

  it("has the record of the answer, then that of its own claims, and otherwise none", async () => {
    const exp = inSeconds(50);
    const token = await signToken({ exp, record: { role: "own" } });
    const said = await world(() => ({ body: { sub: "anna", exp, record: { role: "editor" } } }));
    expect((await said.verify(token)).record).toEqual({ role: "editor", id: "anna" });
    await server?.close();
    const silent = await world(() => ({ body: { sub: "anna", exp, record: null } }));
    expect((await silent.verify(token)).record).toEqual({ role: "own", id: "anna" });
    expect((await silent.verify("opaque")).record).toBeUndefined();
  });

  it("is asked about again when the answer is too old, or the token has expired", async () => {
    let sub = "anna";
    const exp = inSeconds(40);
    const { verify, requests, pass } = await world(() => ({ body: { sub, exp } }));
    expect((await verify("opaque")).subject).toBe("anna");
    sub = "bert";
    pass(29_999);
    expect((await verify("opaque")).subject).toBe("anna");
    expect((await verify("another")).subject, "each has its own").toBe("bert");
    pass(1);
    expect((await verify("opaque")).subject).toBe("bert");
    expect(requests).toHaveLength(3);
    pass(11_000);
    await expect(verify("opaque")).rejects.toMatchObject({ code: "refused_token" });
  });

  it.each([400, 401, 403, 404])(
    "is refused when they answer %d, and for a while without asking",
    async (status) => {
      const { verify, requests, pass } = await world(() => ({ status, body: {} }));
      for (let n = 0; n < 3; n++) {
        await expect(verify("opaque")).rejects.toMatchObject({ code: "refused_token" });
      }
      expect(requests).toHaveLength(1);
      pass(30_000);
      await expect(verify("opaque")).rejects.toMatchObject({ code: "refused_token" });
      expect(requests).toHaveLength(2);
    },
  );

  const exp = inSeconds(60);
  it.each<[string, unknown]>([
    ["that it is not active", { active: false, sub: "anna", exp }],
    ["nobody", { exp }],
    ["a record of no collection", { record: { id: "r1" }, exp }],
    ["no end", { sub: "anna" }],
    ["an end that has come", { sub: "anna", exp: inSeconds(-1) }],
    ["rights that are none", { sub: "anna", exp, realtime: { subscribe: "*" } }],
    ["a record that is none", { sub: "anna", exp, record: "r1" }],
    ["a record that is too large", { record: { ...record, bio: "x".repeat(8192) }, exp }],
    ["the subject of the admin", { sub: "admin\tkey", exp }],
  ])("is refused when they say %s", async (_, body) => {
    const { verify } = await world(() => ({ body }));
    await expect(verify("opaque")).rejects.toMatchObject({ code: "refused_token" });
  });

  it.each<[string, JSONAnswer]>([
    ["500", { status: 500 }],
    ["204", { status: 204 }],
    ["a redirect", { status: 302, headers: { Location: "/elsewhere" } }],
    ["no JSON", { body: "<html>" }],
    ["a JSON list", { body: [] }],
    ["a text", { body: '"anna"' }],
    ["too much", { body: JSON.stringify({ sub: "anna", exp, more: "x".repeat(70_000) }) }],
  ])(
    "lets nobody in when they answer %s, and is asked about again the next time",
    async (_, answer) => {
      const { verify, requests } = await world(() => answer);
      for (let n = 0; n < 2; n++) {
        await expect(verify("opaque")).rejects.toMatchObject({ code: "unavailable" });
      }
      expect(requests).toHaveLength(2);
    },
  );

  it("is refused when the endpoint does not answer", async () => {
    const { verify } = await world(() => ({}));
    await server?.close();
    await expect(verify("opaque")).rejects.toMatchObject({ code: "unavailable" });
  });
});
