import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ClientWorld, createClientWorld } from "../../support/client-world.ts";
import { eventually } from "../../support/deadline.ts";
import { type JSONServer, startJSONServer } from "../../support/json-server.ts";
import { numbers } from "../../support/numbered.ts";
import { keepSecret } from "../../support/secrets.ts";
import type { RuntimeUnderTest } from "../../support/service.ts";
import { inSeconds } from "../../support/tokens.ts";

/** Tokens without a readable end. */
export function opaqueTokensTests(runtime: RuntimeUnderTest): void {
  describe("opaque tokens", () => {
    const ends = new Map<string, number>();
    let issuer: JSONServer;
    let world: ClientWorld;
    beforeAll(async () => {
      issuer = await startJSONServer(({ headers }) => {
        const token = String(headers.authorization).replace(/^Bearer /, "");
        const exp = ends.get(token) ?? 0;
        if (exp * 1000 < Date.now()) return { status: 401, body: {} };
        return { body: { sub: "anna", exp, realtime: { subscribe: ["opaque/*"] } } };
      });
      world = createClientWorld(runtime, {
        REALTIME_INTROSPECT_URL: issuer.url,
        REALTIME_INTROSPECT_SECONDS: "0",
      });
      await world.start();
    });
    afterAll(async () => {
      await world.stop();
      await issuer.close();
    });

    it("are fetched again when they have ended, without a missing or repeated private message", async () => {
      const client = world.open({
        token: () => {
          const token = keepSecret(`opaque-token-number-${ends.size}`);
          ends.set(token, inSeconds(3));
          return token;
        },
      });
      const secret = client.collect("opaque/1");
      await client.connected();
      let n = 0;
      const hasEnded = async () => {
        await world.post({ topic: "opaque/1", data: { n: ++n }, private: true });
        return ends.size >= 3;
      };
      await eventually(hasEnded, "two tokens have ended");
      await world.post({ topic: "opaque/1", data: { n: ++n }, private: true });
      await secret.receive(n);
      expect(secret.numbers()).toEqual(numbers(1, n));
      expect(client.gaps()).toBe(0);
      expect(client.errors).toEqual([]);
    });
  });
}
