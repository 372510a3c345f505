import { afterEach, describe, expect, it } from "vitest";
import { type OpenRegistry, RegistryOpener } from "./context.ts";

/** Events for one client, which are not in the log. */
export function sendingTests(open: OpenRegistry): void {
  const opener = new RegistryOpener(open);
  afterEach(() => opener.closeAll());

  describe("sending to one client", () => {
    it("returns true, and the event reaches this client only", async () => {
      const test = await opener.open();
      const [client, other] = [await test.connect(), await test.connect(["*", "note"])];
      expect(await test.registry.send(client.clientId, "note", { text: "a\nb" })).toBe(true);
      await client.sink.receive(1);
      await test.settle(client, other);
      expect(client.received()).toEqual([["note", { text: "a\nb" }]]);
      expect(other.sink.events.map(({ event }) => event)).toEqual(["*", "fence"]);
    });

    it("needs no subscription", async () => {
      const test = await opener.open();
      const client = await test.connect();
      await test.registry.setSubscriptions(client.clientId, { subscriptions: [] });
      expect(await test.registry.send(client.clientId, "note", 1)).toBe(true);
      await client.sink.receive(1);
      expect(client.received()).toEqual([["note", 1]]);
    });

    it("keeps the order of the events", async () => {
      const test = await opener.open();
      const client = await test.connect();
      for (let count = 0; count < 20; count += 1) {
        await test.registry.send(client.clientId, "note", count);
      }
      await client.sink.receive(20);
      expect(client.sink.data("note")).toEqual(Array.from({ length: 20 }, (_, index) => index));
    });

    it("returns false for a client that is unknown or has left", async () => {
      const test = await opener.open();
      const client = await test.connect();
      for (const clientId of ["", "0-nobody", "99999-nobody", "nobody"]) {
        expect(await test.registry.send(clientId, "note", 1)).toBe(false);
      }
      await test.registry.disconnect(client.clientId);
      expect(await test.registry.send(client.clientId, "note", 1)).toBe(false);
    });

    it("gives each event a unique id that begins with the cursor of the last message", async () => {
      const test = await opener.open();
      const client = await test.connect(["chat"]);
      await test.publish({ topic: "chat", data: 1 });
      await client.sink.receive(1);
      const cursor = client.sink.events[0]?.id;
      for (let count = 0; count < 50; count += 1) {
        await test.registry.send(client.clientId, "note", count);
      }
      const ids = (await client.sink.receive(51)).slice(1).map(({ id }) => id);
      expect(new Set(ids).size).toBe(50);
      for (const id of ids) expect(id?.startsWith(`${cursor}.`), `${id}`).toBe(true);
      await test.publish({ topic: "chat", data: 2 });
      await client.sink.receive(52);
      await test.registry.send(client.clientId, "note", 50);
      const [published, sent] = (await client.sink.receive(53)).slice(-2);
      expect(sent?.id?.startsWith(`${published?.id}.`), `${sent?.id}`).toBe(true);
    });

    it("gives an id that begins with a cursor even before the first message", async () => {
      const test = await opener.open();
      const client = await test.connect();
      await test.registry.send(client.clientId, "note", 1);
      const [event] = await client.sink.receive(1);
      expect(event?.id).toMatch(/^[!-~]*\w\.[\w-]{10,}$/);
    });

    it("rejects an event name with a line break, and sends nothing", async () => {
      const test = await opener.open();
      const client = await test.connect();
      for (const event of ["a\nb", "a\rb", "a\0b", "a\n\ndata: injected"]) {
        const sending = test.registry.send(client.clientId, event, 1);
        await expect(sending).rejects.toMatchObject({ code: "invalid_event" });
      }
      await test.settle(client);
      expect(client.sink.frames).toHaveLength(1);
    });

    it("rejects data that can't be written as JSON, and sends nothing", async () => {
      const test = await opener.open();
      const client = await test.connect();
      const cycle: Record<string, unknown> = {};
      cycle.self = cycle;
      for (const data of [cycle, { big: 1n }, () => 1]) {
        const sending = test.registry.send(client.clientId, "note", data);
        await expect(sending).rejects.toMatchObject({ code: "invalid_event" });
      }
      await test.settle(client);
      expect(client.sink.frames).toHaveLength(1);
    });
  });
}
