import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { exportJWK } from "jose";
import { afterEach, describe, expect, it, vi } from "vitest";
import { createTokenVerifier } from "../../../../src/api/auth/jwt.ts";
import { RealtimeError } from "../../../../src/realtime/errors.ts";
import { type JSONAnswer, type JSONServer, startJSONServer } from "../../../support/json-server.ts";
import { inSeconds, JWT_SECRET, makeKeyPair, signToken } from "../../../support/tokens.ts";

const rsa = await makeKeyPair("RS256", "rsa");
const ec = await makeKeyPair("ES256", "ec");
const stranger = await makeKeyPair("RS256", "rsa");

/** The subject, or the code of the error. */
async function outcome(token: string, jwksURL: string) {
  try {
    return (await createTokenVerifier({ jwksURL })(token)).subject;
  } catch (error) {
    if (error instanceof RealtimeError) return error.code;
    throw error;
  }
}

const RS256_SIGNATURE = { use: "sig", alg: "RS256", key_ops: ["verify"] };

/** Signs with a key that jose refuses. */
function forgeRS256(claims: object, key: KeyObject): string {
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const signed = `${encode({ alg: "RS256" })}.${encode(claims)}`;
  return `${signed}.${sign("sha256", Buffer.from(signed), key).toString("base64url")}`;
}

/** Moves both clocks ahead by this number of milliseconds. */
function letTimePass(ahead: () => number): void {
  const { now } = Date;
  const ticks = performance.now.bind(performance);
  vi.spyOn(Date, "now").mockImplementation(() => now() + ahead());
  vi.spyOn(performance, "now").mockImplementation(() => ticks() + ahead());
}

describe("a key set", () => {
  let server: JSONServer | undefined;
  afterEach(async () => {
    vi.restoreAllMocks();
    await server?.close();
    server = undefined;
  });

  it("is fetched once, and again for an unknown key id, at a limited rate", async () => {
    let late = 0;
    letTimePass(() => late);
    let keys: unknown[] = [rsa.jwk];
    server = await startJSONServer(() => ({ body: { keys } }));
    const verify = createTokenVerifier({ jwksURL: `${server.url}/keys` });
    const first = await signToken({}, { key: rsa.privateKey, algorithm: "RS256", keyId: "rsa" });
    for (let n = 0; n < 5; n++) expect((await verify(first)).subject).toBe("anna");
    expect(server.requests).toHaveLength(1);
    // The issuer rotates its keys.
    keys = [ec.jwk];
    const second = await signToken({}, { key: ec.privateKey, algorithm: "ES256", keyId: "ec" });
    await expect(verify(second)).rejects.toMatchObject({ code: "unknown_token" });
    expect(server.requests, "unknown key ids cause no flood").toHaveLength(1);
    late = 11_000;
    expect((await verify(second)).subject).toBe("anna");
    await expect(verify(first)).rejects.toMatchObject({ code: "unknown_token" });
    expect(server.requests).toHaveLength(2);
  });

  it("is fetched again when it is ten minutes old", async () => {
    let late = 0;
    letTimePass(() => late);
    server = await startJSONServer(() => ({ body: { keys: [rsa.jwk] } }));
    const verify = createTokenVerifier({ jwksURL: server.url });
    const token = await signToken(
      { exp: inSeconds(3600) },
      { key: rsa.privateKey, algorithm: "RS256", keyId: "rsa" },
    );
    for (const [time, requests] of [
      [0, 1],
      [590_000, 1],
      [601_000, 2],
    ] as const) {
      late = time;
      expect((await verify(token)).subject).toBe("anna");
      expect(server.requests).toHaveLength(requests);
    }
  });

  it("is fetched once by requests of one process, and by each request where I/O can't be shared", async () => {
    server = await startJSONServer(() => ({ body: { keys: [rsa.jwk] } }));
    const token = await signToken({}, { key: rsa.privateKey, algorithm: "RS256", keyId: "rsa" });
    for (const [isOneProcess, requests] of [
      [true, 1],
      [false, 4],
    ] as const) {
      const before = server.requests.length;
      const verify = createTokenVerifier({ jwksURL: server.url }, isOneProcess);
      await Promise.all([verify(token), verify(token), verify(token), verify(token)]);
      expect(server.requests.length - before).toBe(requests);
    }
  });

  it("still verifies its own keys while it can't be fetched for an unknown key id", async () => {
    let late = 0;
    letTimePass(() => late);
    let answer: JSONAnswer = { body: { keys: [rsa.jwk] } };
    server = await startJSONServer(() => answer);
    const verify = createTokenVerifier({ jwksURL: server.url });
    const known = await signToken({}, { key: rsa.privateKey, algorithm: "RS256", keyId: "rsa" });
    const unknown = await signToken({}, { key: ec.privateKey, algorithm: "ES256", keyId: "ec" });
    expect((await verify(known)).subject).toBe("anna");
    answer = { status: 500 };
    late = 11_000;
    await expect(verify(unknown)).rejects.toMatchObject({ code: "unavailable" });
    expect((await verify(known)).subject).toBe("anna");
  });

  it("verifies tokens without a key id", async () => {
    const { kid: _, ...nameless } = rsa.jwk;
    server = await startJSONServer(() => ({ body: { keys: [stranger.jwk, nameless, ec.jwk] } }));
    const token = await signToken({}, { key: rsa.privateKey, algorithm: "RS256" });
    expect(await outcome(token, server.url)).toBe("anna");
  });

  it.each([
    ["for encryption", { use: "enc" }, "unknown_token"],
    ["for another algorithm", { alg: "RS512" }, "unknown_token"],
    ["for another operation", { key_ops: ["encrypt"] }, "unknown_token"],
    ["of another kind", { kty: "EC" }, "unknown_token"],
    ["without a key id", { kid: undefined }, "unknown_token"],
    ["with members that can't be read", { n: 5 }, "unknown_token"],
    ["with a use, an algorithm and an operation that fit", RS256_SIGNATURE, "anna"],
  ])("has a key %s", async (_, members, expected) => {
    server = await startJSONServer(() => ({ body: { keys: [{ ...rsa.jwk, ...members }] } }));
    const token = await signToken({}, { key: rsa.privateKey, algorithm: "RS256", keyId: "rsa" });
    expect(await outcome(token, server.url)).toBe(expected);
  });

  it("keeps the tokens without a key id apart from those with an unknown key id", async () => {
    server = await startJSONServer(() => ({ body: { keys: [rsa.jwk] } }));
    const verify = createTokenVerifier({ jwksURL: server.url });
    const sign = { key: rsa.privateKey, algorithm: "RS256" } as const;
    const unknown = await signToken({}, { ...sign, keyId: "other" });
    await expect(verify(unknown)).rejects.toMatchObject({ code: "unknown_token" });
    expect((await verify(await signToken({}, sign))).subject).toBe("anna");
    await expect(verify(unknown)).rejects.toMatchObject({ code: "unknown_token" });
  });

  it("with a private key is refused, so that its owner notices", async () => {
    const body = { keys: [await exportJWK(rsa.privateKey)] };
    server = await startJSONServer(() => ({ body }));
    const token = await signToken({}, { key: rsa.privateKey, algorithm: "RS256" });
    expect(await outcome(token, server.url)).toBe("unavailable");
  });

  it("never verifies with an RSA key of less than 2048 bits", async () => {
    const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 1024 });
    const body = { keys: [publicKey.export({ format: "jwk" })] };
    server = await startJSONServer(() => ({ body }));
    const token = forgeRS256({ sub: "anna", exp: inSeconds(60) }, privateKey);
    expect(await outcome(token, server.url)).toBe("unknown_token");
  });

  it("never verifies a token signed with a secret", async () => {
    const oct = {
      kty: "oct",
      k: Buffer.from(JWT_SECRET).toString("base64url"),
      alg: "HS256",
      kid: "s",
    };
    server = await startJSONServer(() => ({ body: { keys: [oct, rsa.jwk] } }));
    const token = await signToken({}, { keyId: "s" });
    expect(await outcome(token, server.url)).toBe("unknown_token");
  });

  it("that can't be fetched is fetched again, but not by every request", async () => {
    let late = 0;
    letTimePass(() => late);
    let answer: JSONAnswer = { status: 500 };
    server = await startJSONServer(() => answer);
    const verify = createTokenVerifier({ jwksURL: server.url });
    const token = await signToken({}, { key: rsa.privateKey, algorithm: "RS256", keyId: "rsa" });
    for (const bad of [{ status: 500 }, { body: {} }]) {
      answer = bad;
      const before = server.requests.length;
      for (let n = 0; n < 20; n++) {
        await expect(verify(token)).rejects.toMatchObject({ code: "unavailable" });
      }
      expect(server.requests.length - before).toBe(1);
      late += 2000;
    }
    answer = { body: { keys: [rsa.jwk] } };
    expect((await verify(token)).subject).toBe("anna");
  });

  it("that can't be fetched refuses every token as unavailable, not as unknown", async () => {
    const token = await signToken({}, { key: rsa.privateKey, algorithm: "RS256", keyId: "rsa" });
    for (const answer of [
      { status: 500 },
      { status: 302, headers: { Location: "/" } },
      { body: "no" },
      { body: {} },
    ]) {
      server = await startJSONServer(() => answer);
      expect(await outcome(token, server.url), JSON.stringify(answer)).toBe("unavailable");
      await server.close();
    }
    const { url } = server as JSONServer;
    expect(await outcome(token, url), "no server listens").toBe("unavailable");
  });
});
