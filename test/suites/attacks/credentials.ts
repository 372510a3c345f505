import { createHmac } from "node:crypto";
import { request } from "node:http";
import { describe, expect, it } from "vitest";
import { ADMIN_KEY } from "../../support/api.ts";
import { within } from "../../support/deadline.ts";
import { leftOut } from "../../support/flags.ts";
import type { RuntimeUnderTest } from "../../support/service.ts";
import { openStream } from "../../support/sse-client.ts";
import { bearer, inSeconds, makeKeyPair, signToken, tokenFor } from "../../support/tokens.ts";
import { ADMIN, accessWorld } from "../access/context.ts";

const rsa = await makeKeyPair("RS256", "rsa");
const stranger = await makeKeyPair("RS256", "rsa");

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
const hmac = (text: string, key: string) =>
  createHmac("sha256", key).update(text).digest("base64url");

/** Tokens that must be refused, and requests for other users' clients. */
export function credentialAttacks(runtime: RuntimeUnderTest): void {
  describe("credentials", () => {
    const world = accessWorld(runtime, {
      REALTIME_JWT_PUBLIC_KEY: rsa.publicKey,
      REALTIME_JWT_ISSUER: "us",
      REALTIME_JWT_AUDIENCE: "pocketwire",
    });
    const rights = { realtime: { subscribe: ["*"], publish: ["*"] } };
    const good = { sub: "anna", iss: "us", aud: "pocketwire", exp: inSeconds(600), ...rights };
    const byKey = (claims: object, { privateKey: key } = rsa) =>
      signToken({ ...good, ...claims }, { key, algorithm: "RS256" });

    async function forgeries(): Promise<Record<string, string>> {
      const head = (header: object) => `${encode(header)}.${encode(good)}`;
      const signed = (header: object, key: string) => `${head(header)}.${hmac(head(header), key)}`;
      const token = await byKey({});
      const [h = "", p = "", s = ""] = token.split(".");
      return {
        "of no algorithm": `${head({ alg: "none" })}.`,
        "of NONE": `${head({ alg: "NONE" })}.${s}`,
        "with the public key as the secret": signed({ alg: "HS256" }, rsa.publicKey),
        "with the public key's text": signed({ alg: "HS256" }, rsa.publicKey.trim()),
        "that brings a key": signed({ alg: "HS256", jwk: { kty: "oct", k: "eA" } }, "x"),
        "that names a file as its key": signed({ alg: "HS256", kid: "../../dev/null" }, ""),
        "signed with an unknown key under our key's name": await byKey({}, stranger),
        "of another payload": `${h}.${encode({ ...good, sub: "root" })}.${s}`,
        "without a signature": `${h}.${p}.`,
        "in two parts": `${h}.${p}`,
        expired: await byKey({ exp: inSeconds(-60) }),
        "expired, and signed with an unknown key": await byKey({ exp: inSeconds(-60) }, stranger),
        "not yet valid": await byKey({ nbf: inSeconds(60) }),
        "for others": await byKey({ aud: "others" }),
        "of others": await byKey({ iss: "them" }),
        endless: await byKey({ exp: undefined }),
        "of nobody": await byKey({ sub: undefined }),
        "of the admin": await byKey({ sub: "admin\tkey" }),
        huge: "x".repeat(8000),
      };
    }

    it("that are forged or for another audience are refused", async () => {
      expect(
        (await world.get("/api/realtime/messages?topic=a", bearer(await byKey({})))).status,
      ).toBe(200);
      const { clientId } = await openStream(world.url);
      for (const [name, token] of Object.entries(await forgeries())) {
        const headers = bearer(token);
        const message = { topic: "a", data: 1 };
        const answers = [
          await world.get("/api/realtime?topic=a", headers),
          await world.get("/api/realtime/messages?topic=a", headers),
          await world.subscribe(clientId, ["a"], headers),
          await world.post("/api/realtime/messages", message, headers),
          await world.get("/api/realtime/clients", headers),
          await world.post("/api/realtime/revoke", { subject: "anna" }, headers),
        ];
        const statuses = answers.map(({ status }) => status);
        // With an expired token, whichever key signed it, a guest's stream stays a guest's.
        const subscribed = name.includes("expired") ? 204 : 401;
        expect([name, ...statuses]).toEqual([name, 401, 401, subscribed, 401, 401, 401]);
        const { body } = await world.get(`/api/realtime/clients/${clientId}`, ADMIN);
        expect([name, body.identity, body.rights]).toEqual([name, undefined, []]);
      }
    });

    it("of another user can't change a client, whatever rights they have", async () => {
      const claims = { iss: "us", aud: "pocketwire" };
      const anna = bearer(await tokenFor("anna", { subscribe: ["*"] }, claims));
      const client = await openStream(world.url, { headers: anna }, "?topic=mine");
      const others = [
        {},
        bearer(await tokenFor("anna2", { subscribe: ["*"] }, claims)),
        bearer(ADMIN_KEY),
      ];
      for (const headers of others) {
        expect((await world.subscribe(client.clientId, [], headers)).status).toBe(403);
      }
      await world.publish({ topic: "mine", data: 1, private: true });
      expect(await world.heard(client, "mine")).toEqual([1]);
    });

    const twice = "that are sent twice are refused";
    it.skipIf(runtime.isProxied)(leftOut(twice, runtime.isProxied), async () => {
      const token = await byKey({});
      const pairs = [
        [`Bearer ${ADMIN_KEY}`, `Bearer ${ADMIN_KEY}`],
        [`Bearer ${ADMIN_KEY}`, "Bearer x"],
        ["Bearer x", `Bearer ${ADMIN_KEY}`],
        [`Bearer ${token}`, `Bearer ${ADMIN_KEY}`],
      ];
      for (const pair of pairs) {
        const status = await within(
          statusOf(`${world.url}/api/realtime/stats`, pair),
          10_000,
          "an answer",
        );
        expect([pair, status]).toEqual([pair, 401]);
      }
    });
  });
}

function statusOf(url: string, authorization: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const asked = request(
      url,
      { headers: { Authorization: [...authorization] as never } },
      (answer) => {
        answer.resume();
        resolve(answer.statusCode ?? 0);
      },
    );
    asked.on("error", reject).end();
  });
}
