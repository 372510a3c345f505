import { describe, expect, it } from "vitest";
import type { RuntimeUnderTest } from "../../support/service.ts";
import { openStream } from "../../support/sse-client.ts";
import { bearer, tokenFor } from "../../support/tokens.ts";
import { ADMIN, accessWorld } from "../access/context.ts";

/** Attempts of guests and users without the right to learn about private messages. */
export function privacyAttacks(runtime: RuntimeUnderTest): void {
  describe("private messages", () => {
    const world = accessWorld(runtime);
    const KEYS = ["*", "vault/*", "vault/1", 'vault/1?options={"query":{"last":50}}', "vault"];
    const query = (keys: readonly string[]) =>
      keys.map((key) => `topic=${encodeURIComponent(key)}`).join("&");
    const isSecret = (text: string) => text.includes("the secret");

    it("don't reach guests or users with other rights: live, resumed, newest first or in the history", async () => {
      const origin = await openStream(world.url, {}, "?topic=vault/1");
      const others = [
        {},
        bearer(await tokenFor("bert", { subscribe: ["vault/2", "vaults/*", "vault/1/*"] })),
      ];
      for (const headers of others) {
        const live = await openStream(world.url, { headers }, `?${query(KEYS)}`);
        const late = await openStream(world.url, { headers });
        expect((await world.subscribe(late.clientId, KEYS, headers)).status).toBe(204);
        const data = { text: "the secret" };
        await world.publish(
          { topic: "vault/1", data, private: true },
          { collection: "vault", action: "update", record: { id: "1", ...data }, private: true },
          { topic: "vault/1", data: "public" },
        );
        const resumed = await openStream(
          world.url,
          { headers },
          `?${query(KEYS)}&lastEventId=${origin.clientId}`,
        );
        const newest = await openStream(world.url, { headers }, `?${query(KEYS)}&last=100`);
        for (const client of [live, late, resumed, newest]) {
          await world.heard(client, "vault/1");
          expect(client.events.filter((event) => isSecret(event.data))).toEqual([]);
          expect(client.events.length).toBeGreaterThan(0);
          client.close();
        }
        for (const more of ["", `&after=${origin.clientId}`, "&limit=1000"]) {
          const { status, body } = await world.get(
            `/api/realtime/messages?${query(KEYS)}${more}`,
            headers,
          );
          expect(status).toBe(200);
          expect(body.messages.length).toBeGreaterThan(0);
          expect(isSecret(JSON.stringify(body))).toBe(false);
        }
      }
    });

    it("leave no trace in a response about any cursor", async () => {
      const topic = "traces/1";
      const origin = await openStream(world.url, {}, `?topic=${topic}`);
      await world.publish({ topic, data: "the secret", private: true });
      const { body } = await world.get(`/api/realtime/messages?topic=${topic}`, ADMIN);
      const [{ cursor }] = body.messages;
      const sequence = Number(cursor.split("-").at(-1));
      const beyond = cursor.replace(/\d+$/, String(sequence + 5));
      const unknown = [
        "0-unknownlife-1",
        cursor.replace(/\d+$/, "99999999"),
        beyond,
        `${cursor}~0000000`,
      ];
      // The responses are the same as for a topic to which nothing was published.
      for (const id of [origin.clientId, cursor, ...unknown]) {
        const answers = [];
        for (const name of [topic, "traces/never"]) {
          const client = await openStream(world.url, {}, `?topic=${name}&lastEventId=${id}`);
          const [event] = await client.receive(1);
          expect(event?.event).toBe("PB_RESUME");
          const pages = [];
          for (const by of ["after", "before"]) {
            const { status, body } = await world.get(
              `/api/realtime/messages?topic=${name}&${by}=${id}`,
            );
            pages.push([status, body.messages, body.more, body.message]);
          }
          answers.push([event?.data, pages]);
          client.close();
        }
        expect(answers[0], id).toEqual(answers[1]);
        expect(isSecret(JSON.stringify(answers))).toBe(false);
      }
    });
  });
}
