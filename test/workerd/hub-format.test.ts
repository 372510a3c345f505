import { afterEach, describe, expect, it } from "vitest";
import { eventually } from "../support/deadline.ts";
import { RecordingSink } from "../support/recording-sink.ts";
import { closeHubs, type HubsUnderTest, openHubs } from "./hubs.ts";

afterEach(closeHubs);

/** Runs a statement in a hub's storage, and ends the hub. The next call creates it anew. */
async function changeStorage(hubs: HubsUnderTest, statement: string): Promise<void> {
  await hubs.inside((_, { storage }) => void storage.sql.exec(statement));
  await hubs.abort();
}

describe("the tables of a hub", () => {
  it("are refused when a newer version has written them, with an error that says so", async () => {
    const hubs = openHubs();
    await hubs.publish({ topic: "chat", data: 1 });
    await changeStorage(hubs, "UPDATE hub_format SET version = 2");
    await expect(hubs.publish({ topic: "chat", data: 2 })).rejects.toMatchObject({
      code: "unreachable",
      cause: {
        message: expect.stringMatching(/newer version .* \(format 2\)\. Deploy that version/),
      },
    });
  });

  it("are accepted when a version without a format has written them", async () => {
    const hubs = openHubs();
    await hubs.publish({ topic: "chat", data: 1, id: "m1" });
    await changeStorage(hubs, "DROP TABLE hub_format");
    expect(await hubs.publish({ topic: "chat", data: 1, id: "m1" })).toEqual([
      { id: "m1", duplicate: true },
    ]);
    expect(
      await hubs.inside((_, { storage }) => storage.sql.exec("SELECT * FROM hub_format").toArray()),
    ).toEqual([{ version: 1 }]);
  });

  it("begin a new epoch after DELETE FROM log_epoch, so no client takes a new message for a lost one", async () => {
    const hubs = openHubs();
    const client = await hubs.connect(["chat"]);
    await hubs.publish({ topic: "chat", data: 1 });
    const [event] = await client.sink.receive(1);
    await changeStorage(hubs, "DELETE FROM log_epoch");
    await hubs.publish({ topic: "chat", data: 2 });
    const sink = new RecordingSink();
    const back = await hubs.registry.open({ topics: ["chat"], lastEventId: event?.id });
    await back.attach(sink);
    await hubs.publish({ topic: "chat", data: 3 });
    await eventually(() => sink.data("chat").includes(3), "the client is live");
    expect(sink.data("PB_RESUME")).toEqual([{ recovered: false }]);
    expect(sink.data("chat")).toEqual([3]);
  });
});
