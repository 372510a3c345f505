import { describe, expect, it } from "vitest";
import { idsOf, recordsWorld, userWith } from "../../suites/records/context.ts";
import { readStats } from "../../support/api.ts";
import { pause } from "../../support/deadline.ts";
import { WORKERD } from "../../support/service.ts";
import { subscriptionKey } from "../../support/subscription-key.ts";

/** workerd evicts an object after ten seconds in which nothing happened. */
const EVICTION = 12_000;

const RULES = { drafts: { listRule: "author = @request.auth.id", hidden: ["note"] } };

describe("a hub with filters and rules that hibernates", () => {
  const world = recordsWorld(WORKERD, {
    REALTIME_RULES: JSON.stringify(RULES),
    REALTIME_PING_SECONDS: "1",
  });

  it("applies them when it wakes, to clients that stayed connected and to a replay", async () => {
    const key = subscriptionKey("drafts/*", { filter: "n > 1", fields: "id,note" });
    const create = (id: string, n: number, author: string) => ({
      collection: "drafts",
      action: "create",
      record: { id, n, author, note: "x" },
    });
    const anna = await userWith({ id: "anna" });
    const client = await world.listen([key], anna);
    const guest = await world.listen([key, "drafts/*"]);
    await world.publish(create("d1", 1, "anna"), create("d2", 2, "anna"));
    const [first] = await client.receive(1);
    const { startedAt } = await readStats(world.url);
    await pause(EVICTION);
    await world.publish(create("d3", 1, "anna"), create("d4", 2, "bert"), create("d5", 3, "anna"));
    const heard = await world.heard(client);
    expect(heard.map(([, data]) => data)).toEqual(
      ["d2", "d5"].map((id) => ({ action: "create", record: { id } })),
    );
    expect(await world.heard(guest)).toEqual([]);
    expect((await readStats(world.url)).startedAt > startedAt).toBe(true);
    await pause(EVICTION);
    const again = await world.listen([key], { ...anna, "Last-Event-ID": first?.id ?? "" });
    expect(idsOf(await world.heard(again))).toEqual(["d5"]);
  });
});
