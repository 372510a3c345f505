import { createHmac } from "node:crypto";
import { describe, expect, it } from "vitest";
import { createTokenVerifier } from "../../../../src/api/auth/jwt.ts";
import { checkPublicKeys } from "../../../../src/api/auth/jwt-keys.ts";
import { KEY_ALGORITHMS, type TokenOptions } from "../../../../src/api/auth/token-options.ts";
import { RealtimeError } from "../../../../src/realtime/errors.ts";
import { inSeconds, JWT_SECRET, makeKeyPair, signToken } from "../../../support/tokens.ts";

const rsa = await makeKeyPair("RS256", "rsa");
const ec = await makeKeyPair("ES256", "ec");
const ed = await makeKeyPair("EdDSA", "ed");
const stranger = await makeKeyPair("RS256", "rsa");

/** The subject, or the code of the error. */
async function outcome(token: string, options: TokenOptions = { secrets: [JWT_SECRET] }) {
  try {
    return (await createTokenVerifier(options)(token)).subject;
  } catch (error) {
    if (error instanceof RealtimeError) return error.code;
    throw error;
  }
}

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");

/** Builds a token by hand, with headers that no library writes. */
function forge(header: object, payload: object, key: string | Buffer): string {
  const signed = `${encode(header)}.${encode(payload)}`;
  return `${signed}.${createHmac("sha256", key).update(signed).digest("base64url")}`;
}

const claims = { sub: "anna", exp: inSeconds(60) };

describe("a token", () => {
  it("signed with a secret identifies its subject, with rights and times", async () => {
    const realtime = { subscribe: ["a/*"], publish: ["b"] };
    const token = await signToken({ realtime, iat: 1_700_000_000, exp: 4_000_000_000 });
    expect(await createTokenVerifier({ secrets: [JWT_SECRET] })(token)).toEqual({
      ...{ subject: "anna", subscribe: ["a/*"], publish: ["b"] },
      ...{ issuedAt: 1_700_000_000_000, expiresAt: 4_000_000_000_000 },
    });
  });

  it("is verified with any of several secrets and keys, so that they can be rotated", async () => {
    const old = "an-old-secret-that-is-still-good-for-now";
    const secrets = [JWT_SECRET, old];
    expect(await outcome(await signToken({}, { key: old }), { secrets })).toBe("anna");
    expect(await outcome(await signToken({}, { key: old }))).toBe("unknown_token");
    const publicKeys = [ec.publicKey, stranger.publicKey, ed.publicKey, rsa.publicKey];
    for (const [algorithm, { privateKey: key }] of [
      ["RS256", rsa],
      ["ES256", ec],
      ["EdDSA", ed],
    ] as const) {
      const token = await signToken({}, { key, algorithm });
      expect(await outcome(token, { secrets, publicKeys }), algorithm).toBe("anna");
      expect(await outcome(token, { secrets }), algorithm).toBe("unknown_token");
    }
  });

  it.each(KEY_ALGORITHMS)(
    "that is signed by %s is verified with the public key alone",
    async (algorithm) => {
      const { privateKey: key, publicKey } = await makeKeyPair(algorithm, "key");
      const token = await signToken({}, { key, algorithm });
      const options = { publicKeys: [publicKey], algorithms: [algorithm] };
      expect(await outcome(token, options)).toBe("anna");
      expect(await outcome(token.replace(/.{4}$/, "AAAA"), options)).toBe("unknown_token");
    },
  );

  it.each([
    ["expired", { exp: inSeconds(-10) }],
    ["not yet valid", { nbf: inSeconds(3600), exp: inSeconds(7200) }],
    ["without end", { exp: undefined }],
    ["with an end that is no number", { exp: "tomorrow" }],
    ["of nobody", { sub: undefined }],
    ["of nobody in particular", { sub: "" }],
    ["of somebody who is no text", { sub: 5 }],
    ["of somebody too long", { sub: "x".repeat(1025) }],
    ["of somebody with a control character", { sub: "admin\tkey" }],
    ["with rights that are no list", { realtime: { subscribe: "*" } }],
    ["with rights that are no texts", { realtime: { publish: [1] } }],
    ["with too many rights", { realtime: { subscribe: Array(101).fill("a") } }],
    ["with a right of two lines", { realtime: { subscribe: ["a\nb"] } }],
    ["with rights that are no object", { realtime: ["*"] }],
  ])("that is %s is refused", async (_, claims) => {
    expect(await outcome(await signToken(claims))).toBe("refused_token");
  });

  it("may be a little late or early, because clocks differ", async () => {
    const late = await signToken({ exp: inSeconds(-3), nbf: inSeconds(3) });
    expect(await outcome(late)).toBe("anna");
    expect(await outcome(late, { secrets: [JWT_SECRET], clockSkew: 0 })).toBe("refused_token");
  });

  it("may be issued ahead of this clock by the allowed skew, and no more", async () => {
    const ahead = await signToken({ iat: inSeconds(60) });
    expect(await outcome(ahead)).toBe("refused_token");
    expect(await outcome(ahead, { secrets: [JWT_SECRET], clockSkew: 120_000 })).toBe("anna");
    expect(await outcome(ahead, { secrets: [JWT_SECRET], clockSkew: 30_000 })).toBe(
      "refused_token",
    );
    const littleAhead = await signToken({ iat: inSeconds(3) });
    expect(await outcome(littleAhead)).toBe("anna");
    expect(await outcome(littleAhead, { secrets: [JWT_SECRET], clockSkew: 0 })).toBe(
      "refused_token",
    );
  });

  it("is refused when exp is more than 100 years ahead: milliseconds in place of seconds", async () => {
    expect(await outcome(await signToken({ exp: Date.now() + 60_000 }))).toBe("refused_token");
    expect(await outcome(await signToken({ exp: inSeconds(101 * 365.25 * 86_400) }))).toBe(
      "refused_token",
    );
    expect(await outcome(await signToken({ exp: inSeconds(99 * 365.25 * 86_400) }))).toBe("anna");
    for (const claim of ["iat", "nbf"]) {
      expect(await outcome(await signToken({ [claim]: Date.now() })), claim).toBe("refused_token");
    }
  });

  it("without exp is accepted where that is allowed", async () => {
    const token = await signToken({ exp: undefined });
    expect(await outcome(token, { secrets: [JWT_SECRET], allowNoExpiry: true })).toBe("anna");
  });

  it("must have the configured issuer and audience", async () => {
    const options = { secrets: [JWT_SECRET], issuer: "us", audience: "them" };
    expect(await outcome(await signToken({ iss: "us", aud: "them" }), options)).toBe("anna");
    expect(await outcome(await signToken({ iss: "us", aud: ["a", "them"] }), options)).toBe("anna");
    for (const claims of [
      { iss: "us" },
      { aud: "them" },
      { iss: "us", aud: "us" },
      { iss: "them", aud: "them" },
    ]) {
      expect(await outcome(await signToken(claims), options)).toBe("refused_token");
    }
  });

  it("of an algorithm that is not allowed is unknown, even with a fitting key", async () => {
    const token = await signToken({}, { algorithm: "HS512" });
    expect(await outcome(token)).toBe("unknown_token");
    const secrets = [JWT_SECRET];
    expect(await outcome(token, { secrets, algorithms: ["HS512"] })).toBe("anna");
    expect(await outcome(await signToken(), { secrets, algorithms: ["HS512"] })).toBe(
      "unknown_token",
    );
  });

  it("without a signature, or signed with a public value, is unknown", async () => {
    const publicKeys = [rsa.publicKey, ec.publicKey];
    const all = { secrets: [JWT_SECRET], publicKeys };
    const forgeries = [
      `${encode({ alg: "none" })}.${encode(claims)}.`,
      `${encode({ alg: "None", typ: "JWT" })}.${encode(claims)}.`,
      `${encode({ alg: "none" })}.${encode(claims)}.${encode("x")}`,
      // A public key in place of a secret.
      forge({ alg: "HS256" }, claims, rsa.publicKey),
      forge({ alg: "HS256" }, claims, Buffer.from(JSON.stringify(rsa.jwk))),
      forge({ alg: "RS256" }, claims, rsa.publicKey),
      // A key in the token's own header.
      forge({ alg: "HS256", jwk: { kty: "oct", k: encode("x") } }, claims, "x"),
      await signToken({}, { key: stranger.privateKey, algorithm: "RS256" }),
      forge({ alg: "HS256" }, claims, ""),
      forge({ alg: "HS256", crit: ["b64"], b64: false }, claims, JWT_SECRET),
      forge({ alg: ["HS256"] }, claims, JWT_SECRET),
      forge({}, claims, JWT_SECRET),
    ];
    for (const token of forgeries) expect(await outcome(token, all), token).toBe("unknown_token");
    for (const token of forgeries) {
      expect(await outcome(token, { publicKeys }), token).toBe("unknown_token");
    }
  });

  it("may have a type and other members in its header", async () => {
    for (const header of [{ typ: "at+jwt" }, { typ: "JWT", cty: "x" }, { kid: 5 }]) {
      const token = forge({ alg: "HS256", ...header }, claims, JWT_SECRET);
      expect(await outcome(token), JSON.stringify(header)).toBe("anna");
    }
  });

  it("with an extension that must be understood is unknown", async () => {
    const token = forge({ alg: "HS256", crit: ["exp"], exp: 1 }, claims, JWT_SECRET);
    expect(await outcome(token)).toBe("unknown_token");
  });

  it("may be signed with a secret that reads like a key", async () => {
    const secret = "-----BEGIN PUBLIC KEY-----PRIVATE";
    expect(await outcome(forge({ alg: "HS256" }, claims, secret), { secrets: [secret] })).toBe(
      "anna",
    );
  });

  it.each([
    ["exp", null],
    ["exp", `${inSeconds(60)}`],
    ["nbf", "0"],
    ["iat", null],
    ["iat", "0"],
  ])("with a claim %s that is no number is refused: %j", async (claim, value) => {
    const token = forge({ alg: "HS256" }, { ...claims, [claim]: value }, JWT_SECRET);
    expect(await outcome(token)).toBe("refused_token");
  });

  it("with claims that are no object is unknown", async () => {
    for (const payload of [[], "anna", 5, null]) {
      const token = forge({ alg: "HS256" }, payload as object, JWT_SECRET);
      expect(await outcome(token), JSON.stringify(payload)).toBe("unknown_token");
    }
  });

  it("of another issuer and an unknown key is unknown, since another verifier may know it", async () => {
    const token = await signToken({ iss: "them" }, { key: "another-secret-of-32-characters!!" });
    expect(await outcome(token, { secrets: [JWT_SECRET], issuer: "us" })).toBe("unknown_token");
  });

  it("that was changed anywhere is unknown", async () => {
    const token = await signToken();
    const [head = "", , signature = ""] = token.split(".");
    const other = `${head}.${encode({ ...claims, sub: "bert" })}.${signature}`;
    for (const changed of [
      other,
      `${token}x`,
      token.slice(0, -2),
      ` ${token}`,
      `${head}..${signature}`,
    ]) {
      expect(await outcome(changed), changed).toBe("unknown_token");
    }
  });

  it("that is malformed is unknown", async () => {
    for (const token of [
      "",
      "x",
      "a.b",
      "a.b.c",
      "....",
      "e30.e30.e30",
      "🙂.🙂.🙂",
      "x".repeat(20_000),
    ]) {
      expect(await outcome(token), token.slice(0, 20)).toBe("unknown_token");
    }
  });
});

describe("public keys", () => {
  it("are checked for keys that can't be read", async () => {
    await checkPublicKeys({ publicKeys: [rsa.publicKey, ec.publicKey, ed.publicKey] });
    await checkPublicKeys({});
    const broken = "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----";
    const checked = checkPublicKeys({ publicKeys: [rsa.publicKey, broken] });
    await expect(checked).rejects.toMatchObject({
      code: "invalid_config",
      message: expect.stringContaining("key 2 can't be read"),
    });
  });
});
