import { describe, expect, it } from "vitest";
import { call, publish } from "../../support/api.ts";
import { emptyBlocksIn } from "../../support/blocks.ts";
import { eventually } from "../../support/deadline.ts";
import { leftOut } from "../../support/flags.ts";
import { resumed } from "../../support/numbered.ts";
import { openRawStream } from "../../support/raw-client.ts";
import { type RuntimeUnderTest, startService } from "../../support/service.ts";
import { openStream } from "../../support/sse-client.ts";

/** Clients that receive few messages. */
export function quietSuite(runtime: RuntimeUnderTest): void {
  describe("a client", () => {
    it.skipIf(runtime.bareIds !== undefined)(
      leftOut(
        "with quiet topics keeps a valid cursor while other messages push the history forward",
        runtime.bareIds,
      ),
      async () => {
        const env = { REALTIME_PING_SECONDS: "0.2", REALTIME_HISTORY_MESSAGES: "5" };
        const { url, stop } = await startService(runtime, { env });
        const quiet = await openRawStream(url, { query: "?topic=quiet" });
        for (let n = 0; n < 20; n++) await publish(url, { topic: "busy", data: n });
        const { body } = await call(url, "/api/realtime/messages?topic=busy&limit=1");
        const cursorEvent = `event: PB_CURSOR\ndata: {}\nid: ${body.cursor}\n\n`;
        await eventually(() => quiet.body().includes(`: ping\n${cursorEvent}`), "PB_CURSOR comes");
        await eventually(() => quiet.body().endsWith(": ping\n: ping\n"), "PB_CURSOR comes once");
        expect(emptyBlocksIn(quiet.body())).toEqual([]);
        quiet.socket.destroy();
        const headers = { "Last-Event-ID": body.cursor };
        const back = await openStream(url, { headers }, "?topic=quiet");
        expect(await resumed(back)).toEqual({ recovered: true, replayed: 0 });
        back.close();
        await stop();
      },
    );

    it("that asked for ping events gets a comment and an event, and no event without data", async () => {
      const { url, stop } = await startService(runtime, { env: { REALTIME_PING_SECONDS: "0.2" } });
      const client = await openRawStream(url, { query: "?topic=quiet&ping=event" });
      await publish(url, { topic: "busy", data: 1 });
      const ping = ": ping\nevent: ping\ndata: {}\n\n";
      await eventually(() => client.body().endsWith(ping + ping), "two pings in a row");
      expect(emptyBlocksIn(client.body())).toEqual([]);
      if (runtime.bareIds === undefined) {
        const { body } = await call(url, "/api/realtime/messages?topic=busy&limit=1");
        expect(client.body()).toContain(`event: ping\ndata: {}\nid: ${body.cursor}\n\n`);
      }
      client.socket.destroy();
      await stop();
    });

    it("with a limit of one write to a stream gets every message over several streams", async () => {
      const env = { REALTIME_MAX_STREAM_WRITES: "1" };
      const { url, stop } = await startService(runtime, { env });
      const first = await openStream(url, {}, "?topic=n");
      let lastEventId = first.clientId;
      first.close();
      for (const n of [1, 2, 3]) await publish(url, { topic: "n", data: n });
      const received: string[] = [];
      for (let stream = 0; received.length < 3 && stream < 10; stream++) {
        const client = await openStream(
          url,
          { headers: { "Last-Event-ID": lastEventId } },
          "?topic=n",
        );
        await client.ended;
        received.push(...client.events.flatMap(({ event, data }) => (event === "n" ? data : [])));
        lastEventId = client.events.at(-1)?.id ?? client.clientId;
      }
      expect(received).toEqual(["1", "2", "3"]);
      await stop();
    });
  });
}
