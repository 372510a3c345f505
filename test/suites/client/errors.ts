import { describe, expect, it } from "vitest";
import type { SubscribeOptions } from "../../../src/client/types.ts";
import { connect } from "../../../src/client.ts";
import type { ClientWorld } from "../../support/client-world.ts";
import { eventually } from "../../support/deadline.ts";
import { tokenFor } from "../../support/tokens.ts";

export function errorsTests(world: ClientWorld): void {
  describe("errors", () => {
    it("name the refused subscription, and do not disturb the others", async () => {
      const client = world.open();
      const kept = client.collect("fine/1");
      const refused = client.collect("fine/2", { filter: "n ==== 1" });
      await eventually(() => client.errors.length > 0, "the subscription is refused");
      await client.connected();
      const later = client.collect("fine/3", { filter: "n =", last: 3 });
      await eventually(() => client.errors.length > 1, "the later subscription is refused");
      expect(client.errors.map(({ topic, status }) => [topic, status])).toEqual([
        ["fine/2", 400],
        ["fine/3", 400],
      ]);
      expect(client.errors[0]?.message).toMatch(/subscription to "fine\/2"\. Invalid filter/);
      await world.post(
        ...["fine/2", "fine/3", "fine/1"].map((topic) => ({ topic, data: { n: 1 } })),
      );
      await kept.receive(1);
      expect([refused.messages, later.messages]).toEqual([[], []]);
      expect(client.statuses).toEqual(["connecting", "connected"]);
      refused.off();
      later.off();
    });

    it("leave an idle client if the only subscription is refused", async () => {
      const client = world.open();
      client.collect("fine/4", { filter: "(" });
      await eventually(() => client.errors.length > 0, "the subscription is refused");
      await eventually(() => client.realtime.status === "idle", "the client is idle");
      expect(client.errors).toHaveLength(1);
    });

    it("are thrown for unknown options", () => {
      const { realtime } = world.open();
      const url = world.service.url;
      const options = { lst: 3 } as SubscribeOptions;
      expect(() => realtime.subscribe("a", () => {}, options)).toThrow(/"lst" is unknown.*last/);
      expect(() => connect(url, { tokens: 1 } as object)).toThrow(/"tokens" is unknown.*token/);
      expect(() => realtime.on("open" as "gap", () => {})).toThrow(/"open" is unknown.*gap/);
      const none = { EventSource: undefined } as object;
      if (globalThis.EventSource === undefined) {
        expect(() => connect(url, none).subscribe("a", () => {})).toThrow(
          "There is no EventSource here",
        );
      }
      return expect(realtime.history("a", { last: 1 } as object)).rejects.toThrow(/"last"/);
    });

    it("have the status of the answer: 401 for a guest that publishes, 403 without the right", async () => {
      const message = { topic: "closed", data: 1 };
      const guest = world.open();
      await expect(guest.realtime.publish(message)).rejects.toMatchObject({ status: 401 });
      const user = world.open({ token: () => tokenFor("anna", { publish: ["open"] }) });
      await expect(user.realtime.publish(message)).rejects.toMatchObject({ status: 403 });
      const wrong = { topic: "", data: 1 };
      await expect(user.realtime.publish(wrong)).rejects.toMatchObject({
        status: 400,
        data: expect.anything(),
      });
      const nowhere = world.open({ url: "http://127.0.0.1:1" });
      const { message: text, status } = await nowhere.realtime.history("a").catch((error) => error);
      expect([status, text]).toEqual([
        0,
        "The service at http://127.0.0.1:1/api/realtime does not answer.",
      ]);
    });

    it("of a listener reach the process, and not the other listeners", async () => {
      const client = world.open();
      const thrown = new Promise((resolve) => process.once("uncaughtException", resolve));
      client.realtime.subscribe("throws", () => {
        throw new Error("The page has a fault.");
      });
      const other = client.collect("throws");
      await client.connected();
      const others = process.listeners("uncaughtException");
      for (const listener of others.slice(0, -1)) process.off("uncaughtException", listener);
      await world.post({ topic: "throws", data: { n: 1 } });
      await other.receive(1);
      expect(String(await thrown)).toBe("Error: The page has a fault.");
      for (const listener of others.slice(0, -1)) process.on("uncaughtException", listener);
    });
  });
}
