import { describe, expect, it } from "vitest";
import { postJSON } from "../../support/api.ts";
import { resumed } from "../../support/numbered.ts";
import { openStream, type SSEClient } from "../../support/sse-client.ts";
import { subscriptionKey } from "../../support/subscription-key.ts";
import { ADMIN } from "../access/context.ts";
import { END, type Headers, idsOf, type RecordsWorld, userWith } from "./context.ts";

export function replayTests(world: RecordsWorld): void {
  /** Publishes the records `PREFIX1` to `PREFIX9`. `n` is the number, and owners take turns. */
  const publishNine = async (collection: string, prefix: string) => {
    const events = Array.from({ length: 9 }, (_, index) => ({
      collection,
      action: "create",
      record: {
        id: `${prefix}${index + 1}`,
        n: index + 1,
        owner: index % 2 === 0 ? "anna" : "bert",
        members: [],
      },
    }));
    await world.publish(...events);
  };
  const fromStart = ({ clientId }: SSEClient): Headers => ({ "Last-Event-ID": clientId });
  const idsIn = (page: readonly unknown[]) =>
    (page as { record: { id: string } }[]).map(({ record }) => record.id);

  describe("a replay", () => {
    it("applies the filter, the fields and other options of each key", async () => {
      const origin = await openStream(world.url);
      await publishNine("replayed", "a");
      const few = subscriptionKey("replayed/*", { filter: "n > 7", fields: "id" });
      const none = subscriptionKey("replayed", { filter: "unknown = 1" });
      const deleted = subscriptionKey("replayed", { actions: "delete" });
      const client = await world.listen([few, none, deleted], fromStart(origin));
      expect(await resumed(client)).toEqual({ recovered: true, replayed: 2 });
      await world.publish({ collection: "replayed", action: "create", record: { id: "x", n: 8 } });
      expect(await world.heard(client)).toEqual(
        ["a8", "a9", "x"].map((id) => [few, { action: "create", record: { id } }]),
      );
    });

    it("applies the rules for the user who reconnects", async () => {
      const origin = await openStream(world.url);
      const start = await world.cursor();
      await publishNine("journal", "o");
      const all = Array.from({ length: 9 }, (_, index) => `o${index + 1}`);
      const odd = all.filter((_, index) => index % 2 === 0);
      const even = all.filter((_, index) => index % 2 === 1);
      const viewers: readonly (readonly [Headers, readonly string[]])[] = [
        [{}, []],
        [await userWith({ id: "anna" }), odd],
        [await userWith({ id: "bert" }), even],
        [ADMIN, all],
      ];
      for (const [headers, ids] of viewers) {
        const client = await world.listen(["journal/*"], { ...headers, ...fromStart(origin) });
        expect(await resumed(client)).toMatchObject({ recovered: true });
        expect(idsOf(await world.heard(client))).toEqual(ids);
        expect(idsIn(await world.history(start, ["journal/*"], headers))).toEqual(ids);
      }
    });

    it("of the newest messages counts only those that the key receives", async () => {
      await publishNine("latest", "l");
      await publishNine("journal", "n");
      const key = subscriptionKey("latest/*", { filter: "n < 5", last: 3 });
      const client = await world.listen([key]);
      await world.heard(client);
      await world.publish({ collection: "latest", action: "create", record: { id: "y", n: 1 } });
      expect(idsOf(await world.heard(client))).toEqual(["l2", "l3", "l4", "y"]);
      const own = subscriptionKey("journal/*", { last: 2 });
      const bert = await world.listen([own], await userWith({ id: "bert" }));
      expect(idsOf(await world.heard(bert))).toEqual(["n6", "n8"]);
      const guest = await world.listen([own]);
      expect(await world.heard(guest)).toEqual([]);
    });

    it("of the newest messages, asked for in the request, counts those of each key", async () => {
      await publishNine("recent", "r");
      const keys = ["n < 5", "n > 8", "n > 9"].map((filter) =>
        subscriptionKey("recent/*", { filter }),
      );
      const client = await world.listen(keys, {}, { last: "2" });
      const heard = await world.heard(client);
      const ids = keys.map((key) => idsOf(heard.filter(([event]) => event === key)));
      expect(ids).toEqual([["r3", "r4"], ["r9"], []]);
    });

    it("that a client asks for by POST applies the filter and the rules of its credential", async () => {
      const origin = await openStream(world.url);
      await publishNine("journal", "j");
      const key = subscriptionKey("journal/*", { filter: "n > 4" });
      const client = await openStream(world.url);
      const body = { clientId: client.clientId, subscriptions: [key, END] };
      const resuming = { ...body, lastEventId: origin.clientId };
      const headers = await userWith({ id: "anna" });
      expect((await postJSON(world.url, "/api/realtime", resuming, headers)).status).toBe(204);
      expect(await resumed(client)).toMatchObject({ recovered: true });
      expect(idsOf(await world.heard(client))).toEqual(["j5", "j7", "j9"]);
    });

    it.each([false, true])(
      "continues between the frames of one message, each key with its own filter (rules about the user: %s)",
      async (isRuled) => {
        const [collection, headers] = isRuled
          ? ["journal", await userWith({ id: "anna" })]
          : ["between", {}];
        const filters = ["n > 0", "n > 1", "n > 2", "n > 100", "unknown = 1", "n < 9"];
        const keys = filters.map((filter) => subscriptionKey(`${collection}/*`, { filter }));
        const client = await world.listen([...keys, collection], headers);
        const record = { id: `b-${collection}`, n: 3, owner: "anna", members: [] };
        await world.publish({ collection, action: "create", record });
        const events = (await client.receive(5)).slice(0, 5);
        const names = events.map(({ event }) => event);
        expect(names.toSorted()).toEqual([...keys.slice(0, 3), keys[5], collection].toSorted());
        for (const [index, { id = "" }] of events.entries()) {
          const again = await world.listen([...keys, collection], {
            ...headers,
            "Last-Event-ID": id,
          });
          expect(await resumed(again)).toMatchObject({ recovered: true });
          const heard = await world.heard(again);
          expect([index, heard.map(([event]) => event)]).toEqual([index, names.slice(index + 1)]);
          again.close();
        }
      },
    );
  });

  describe("the history", () => {
    it("contains what its keys receive, each message once, with the data for the first key", async () => {
      const start = await world.cursor();
      await publishNine("past", "h");
      const low = subscriptionKey("past/*", { filter: "n < 3", fields: "id" });
      const some = subscriptionKey("past", { filter: "n < 5", fields: "id,n" });
      const page = await world.history(start, [low, some]);
      expect(page).toEqual([
        { action: "create", record: { id: "h1" } },
        { action: "create", record: { id: "h2" } },
        { action: "create", record: { id: "h3", n: 3 } },
        { action: "create", record: { id: "h4", n: 4 } },
      ]);
    });
  });
}
