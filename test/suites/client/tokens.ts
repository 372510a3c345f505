import { describe, expect, it } from "vitest";
import type { ConnectOptions } from "../../../src/client/types.ts";
import { ADMIN_KEY, call } from "../../support/api.ts";
import type { ClientWorld } from "../../support/client-world.ts";
import { eventually, pause } from "../../support/deadline.ts";
import { numbers } from "../../support/numbered.ts";
import { bearer, inSeconds, tokenFor } from "../../support/tokens.ts";

const RIGHTS = { subscribe: ["secret/*"] };

export function tokensTests(world: ClientWorld): void {
  /** Publishes private messages until it is stopped. @returns the number of messages. */
  const startPosts = (topic: string) => {
    let n = 0;
    let isOver = false;
    const running = (async () => {
      for (; !isOver; await pause(20)) {
        await world.post({ topic, data: { n: ++n }, private: true });
      }
    })();
    return async () => {
      isOver = true;
      await running;
      return n;
    };
  };

  const identityOf = async (clientId: string | undefined) =>
    (
      await call(world.service.url, `/api/realtime/clients/${clientId}`, {
        headers: bearer(ADMIN_KEY),
      })
    ).body.identity;

  describe("tokens", () => {
    it("are fetched again before they end, without a missing or repeated private message", async () => {
      // A fresh token comes one and a half seconds before the end, or earlier.
      const life = 15;
      const ends: number[] = [];
      const token = () => {
        const exp = inSeconds(life);
        ends.push(exp * 1000);
        return tokenFor("anna", RIGHTS, { exp });
      };
      const client = world.open({ token });
      const secret = client.collect("secret/life");
      await client.connected();
      const first = client.realtime.clientId;
      const stop = startPosts("secret/life");
      const hasEnded = () => ends.length > 1 && Date.now() > (ends[0] ?? 0) + 500;
      await eventually(hasEnded, "the first token has ended");
      const sent = await stop();
      await secret.receive(sent);
      expect(secret.numbers()).toEqual(numbers(1, sent));
      // The stream never ended.
      expect(client.realtime.clientId).toBe(first);
      expect(client.statuses).toEqual(["connecting", "connected"]);
      expect(client.errors).toEqual([]);
    });

    it("that have expired, and a function that rejects, cause retries with growing delays, and no loss", async () => {
      const asked: string[] = [];
      let mode: "expired" | "rejects" | "valid" = "expired";
      const token: ConnectOptions["token"] = async () => {
        asked.push(mode);
        if (mode === "rejects") throw new Error("The page's backend is down.");
        return tokenFor("anna", RIGHTS, { exp: inSeconds(mode === "expired" ? -5 : 3600) });
      };
      const client = world.open({ token });
      mode = "valid";
      const secret = client.collect("secret/expired");
      await client.connected();
      await world.post({ topic: "secret/expired", data: { n: 1 }, private: true });
      await secret.receive(1);
      mode = "expired";
      client.realtime.refreshToken();
      const stop = startPosts("secret/expired");
      const count = (of: string) => asked.filter((one) => one === of).length;
      const start = Date.now();
      await eventually(() => count("expired") >= 3, "expired tokens were tried");
      mode = "rejects";
      await eventually(() => client.errors.length > 0, "the rejection is told");
      // Without a delay there would be hundreds.
      expect(asked.length).toBeLessThan(4 + (Date.now() - start) / 200);
      mode = "valid";
      const sent = await stop();
      await secret.receive(sent + 1);
      expect(secret.numbers()).toEqual([1, ...numbers(1, sent)]);
      expect(client.errors.at(-1)?.message).toBe("The page's backend is down.");
      expect(client.gaps()).toBe(0);
    });

    it("sign a guest in, change the user, and sign out, on one subscription", async () => {
      let user: string | undefined;
      const token = () => (user === undefined ? undefined : tokenFor(user, RIGHTS));
      const client = world.open({ token });
      const topic = "secret/users";
      const secret = client.collect(topic);
      await client.connected();
      const say = (n: number, isPrivate: boolean) =>
        world.post({ topic, data: { n }, private: isPrivate });
      const change = async (to: string | undefined) => {
        const before = client.realtime.clientId;
        user = to;
        client.realtime.refreshToken();
        const isNew = () => ![before, undefined].includes(client.realtime.clientId);
        await eventually(isNew, `the stream is that of ${to}`);
        expect(await identityOf(client.realtime.clientId)).toBe(to);
      };
      await say(1, true);
      await say(2, false);
      await secret.receive(1);
      await change("anna");
      await say(3, true);
      await change("ben");
      await say(4, true);
      await secret.receive(3);
      await change(undefined);
      await say(5, true);
      await say(6, false);
      await secret.receive(4);
      expect(secret.numbers()).toEqual([2, 3, 4, 6]);
      expect(client.errors).toEqual([]);
    });

    it("that the service refuses are told as an error, and fetched again", async () => {
      let token = "not a token";
      const client = world.open({ token: () => token });
      const secret = client.collect("secret/refused");
      await eventually(() => client.errors.length > 0, "the refusal is told");
      expect(client.errors[0]?.status).toBe(401);
      token = await tokenFor("anna", RIGHTS);
      await client.connected();
      await world.post({ topic: "secret/refused", data: { n: 1 }, private: true });
      await secret.receive(1);
    });
  });
}
