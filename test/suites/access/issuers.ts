import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { call } from "../../support/api.ts";
import { closeClients } from "../../support/clients.ts";
import { type JSONAnswer, type JSONServer, startJSONServer } from "../../support/json-server.ts";
import { keepSecret } from "../../support/secrets.ts";
import { type RuntimeUnderTest, type Service, startService } from "../../support/service.ts";
import {
  bearer,
  inSeconds,
  type KeyPair,
  makeKeyPair,
  signToken,
  tokenFor,
} from "../../support/tokens.ts";

/** Tokens of issuers that the service asks over the network: a key set, and an introspection endpoint. */
export function issuersTests(runtime: RuntimeUnderTest): void {
  describe("issuers", () => {
    let issuer: JSONServer;
    let service: Service;
    let rsa: KeyPair;
    let keys: unknown[] = [];
    let known: JSONAnswer = { status: 401, body: {} };
    let isDown = false;
    beforeAll(async () => {
      rsa = await makeKeyPair("RS256", "first");
      keys = [rsa.jwk];
      issuer = await startJSONServer(({ url }) => {
        if (isDown) return { status: 503 };
        return url === "/keys" ? { body: { keys } } : known;
      });
      service = await startService(runtime, {
        env: {
          REALTIME_JWKS_URL: `${issuer.url}/keys`,
          REALTIME_INTROSPECT_URL: `${issuer.url}/api/collections/users/auth-refresh`,
          REALTIME_INTROSPECT_SECONDS: "0",
        },
      });
    });
    afterAll(async () => {
      closeClients();
      await service.stop();
      await issuer.close();
    });

    const status = async (token: string) =>
      (await call(service.url, "/api/realtime/messages?topic=a", { headers: bearer(token) }))
        .status;

    it("of a key set are accepted, and others are refused", async () => {
      const stranger = await makeKeyPair("RS256", "first");
      const sign = ({ privateKey: key }: KeyPair, keyId = "first") =>
        signToken({}, { key, keyId, algorithm: "RS256" });
      expect(await status(await sign(rsa))).toBe(200);
      expect(await status(await sign(stranger))).toBe(401);
      expect(await status(await tokenFor("anna"))).toBe(401);
    });

    it("of an introspection endpoint are accepted: a PocketBase user is signed in", async () => {
      const token = await signToken({ id: "r1", sub: undefined, type: "auth" });
      const record = { id: "r1", collectionId: "pbc_1", collectionName: "users" };
      expect(await status(token)).toBe(401);
      known = { body: { token: "refreshed", record } };
      expect(await status(token)).toBe(200);
      const asked = issuer.requests.at(-1);
      expect([asked?.method, asked?.headers.authorization]).toEqual(["POST", token]);
      known = { body: { active: false } };
      expect(await status(token)).toBe(401);
      const opaque = keepSecret("an-opaque-token-of-somebody");
      known = { body: { sub: "anna", exp: inSeconds(60) } };
      expect(await status(opaque)).toBe(200);
    });

    it("that can't be reached let no client in: a stream is asked to reconnect, other requests get 503", async () => {
      isDown = true;
      const headers = bearer("something-that-must-be-asked-about");
      const answer = await call(service.url, "/api/realtime?topic=a", { headers });
      expect(answer.status).toBe(200);
      expect(answer.body).toMatch(/^: Tokens can't be checked right now\..*\nretry: \d+\n\n$/);
      const read = await call(service.url, "/api/realtime/messages?topic=a", { headers });
      expect([read.status, read.headers.get("retry-after")]).toEqual([503, "5"]);
      expect((await call(service.url, "/api/realtime/messages?topic=a")).status).toBe(200);
      isDown = false;
    });
  });
}
