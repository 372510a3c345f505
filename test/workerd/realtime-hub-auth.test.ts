import { afterEach, describe, expect, it } from "vitest";
import { MAX_AUTH_RECORD, MAX_IDENTITY, type Principal } from "../../src/realtime/types.ts";
import { restoreHub } from "../../src/registry/durable-object/hub-restore.ts";
import { HubState } from "../../src/registry/durable-object/hub-state.ts";
import { eventually } from "../support/deadline.ts";
import { closeHubs, type HubsUnderTest, openHubs } from "./hubs.ts";

afterEach(closeHubs);

const ANNA: Principal = { identity: "anna", auth: { id: "r1", role: "editor" } };

/** `auth` and `isAdmin` of a client in a hub that wakes now from its storage and sockets. */
function whenWoken(hubs: HubsUnderTest, clientId: string): Promise<Principal> {
  return hubs.inside((_, context) => {
    const state = new HubState(context, 0, {});
    restoreHub(state, context.getWebSockets());
    const { auth, isAdmin = false } = state.hibernation.snapshotOf(clientId) ?? {};
    return { auth, isAdmin };
  });
}

/** The client id of each stored auth record. */
function records(hubs: HubsUnderTest): Promise<string[]> {
  return hubs.inside((_, { storage }) => {
    const query = "SELECT client_id FROM auth_records ORDER BY client_id";
    const rows = storage.sql.exec<{ client_id: string }>(query).toArray();
    return rows.map((row) => row.client_id);
  });
}

describe("the auth record of a client when the hub wakes", () => {
  it("is the record of the request that opened the stream", async () => {
    const hubs = openHubs();
    const { clientId } = await hubs.open(0, ANNA);
    const withKeys = await hubs.open(0, { ...ANNA, topics: ["a"] });
    const guest = await hubs.open(0, { topics: ["a"] });
    await hubs.evict();
    expect(await whenWoken(hubs, clientId)).toEqual({ auth: ANNA.auth, isAdmin: false });
    expect(await whenWoken(hubs, withKeys.clientId)).toEqual({ auth: ANNA.auth, isAdmin: false });
    expect(await whenWoken(hubs, guest.clientId)).toEqual({ auth: undefined, isAdmin: false });
  });

  it("is the record of the newest request", async () => {
    const hubs = openHubs();
    const client = await hubs.connect(["a"]);
    await hubs.subscribe(client, ["a"], ANNA);
    await hubs.evict();
    expect((await whenWoken(hubs, client.clientId)).auth).toEqual(ANNA.auth);
    const auth = { id: "r1", role: "reader" };
    await hubs.subscribe(client, ["a"], { ...ANNA, auth });
    await hubs.evict();
    expect((await whenWoken(hubs, client.clientId)).auth).toEqual(auth);
    await hubs.subscribe(client, ["a"], { identity: "anna" });
    expect((await whenWoken(hubs, client.clientId)).auth).toBeUndefined();
  });

  it.each([
    ["two bytes of UTF-8, six characters in a header", "ü", 2],
    ["control characters, six bytes in JSON", "\u0001", 6],
    ["quotation marks, two bytes in JSON", '"', 2],
  ])("is kept with the largest size, identity and rights: %s", async (_, character, bytes) => {
    const hubs = openHubs();
    const empty = JSON.stringify({ id: "r1", bio: "" }).length;
    const bio = character.repeat(Math.floor((MAX_AUTH_RECORD - empty) / bytes));
    const largest = {
      identity: "ü".repeat(MAX_IDENTITY),
      rights: Array.from({ length: 100 }, (_, index) => `${index}/`.padEnd(2500, "x")),
      auth: { id: "r1", bio },
    };
    const { clientId } = await hubs.open(0, largest);
    const client = await hubs.connect(["a"], largest);
    await hubs.evict();
    expect((await whenWoken(hubs, clientId)).auth).toEqual(largest.auth);
    expect((await whenWoken(hubs, client.clientId)).auth).toEqual(largest.auth);
  });

  it("is gone when the credential has expired, with the administrators' rights", async () => {
    const hubs = openHubs();
    const expiring = { ...ANNA, expiresAt: Date.now() + 1000 };
    const client = await hubs.connect(["a"], expiring);
    const admin = await hubs.connect(["a"], { ...expiring, isAdmin: true });
    expect(await whenWoken(hubs, client.clientId)).toEqual({ auth: ANNA.auth, isAdmin: false });
    expect((await whenWoken(hubs, admin.clientId)).isAdmin).toBe(true);
    for (const { sink } of [client, admin]) {
      await eventually(() => sink.data("PB_AUTH_EXPIRED").length > 0, "the end is announced");
    }
    expect(await records(hubs)).toEqual([]);
    const guest = { auth: undefined, isAdmin: false };
    expect(await whenWoken(hubs, client.clientId)).toEqual(guest);
    expect(await whenWoken(hubs, admin.clientId)).toEqual(guest);
  });

  it("leaves no row when the client has left, before or during hibernation", async () => {
    const hubs = openHubs();
    const [leaving, staying] = [await hubs.connect(["a"], ANNA), await hubs.connect(["a"], ANNA)];
    leaving.connection.close("client");
    await eventually(async () => (await records(hubs)).length === 1, "the row is removed");
    await hubs.inside((_, { storage }) =>
      storage.sql.exec("INSERT INTO auth_records (client_id, record) VALUES ('0-gone', '{}')"),
    );
    await hubs.evict();
    expect(await records(hubs)).toEqual([staying.clientId]);
  });
});

describe("an administrator's client when the hub wakes", () => {
  it("is still an administrator's, and a request without the key can't change it", async () => {
    const hubs = openHubs();
    const admin = { identity: "root", isAdmin: true };
    const client = await hubs.connect(["a"], admin);
    await hubs.evict();
    for (const other of [{}, ANNA]) {
      const subscribing = hubs.subscribe(client, ["b"], other);
      await expect(subscribing).rejects.toMatchObject({ code: "identity_changed" });
    }
    expect(await whenWoken(hubs, client.clientId)).toEqual({ auth: undefined, isAdmin: true });
    await hubs.subscribe(client, ["b"], { identity: "root" });
    expect(await whenWoken(hubs, client.clientId)).toEqual({ auth: undefined, isAdmin: false });
  });
});
