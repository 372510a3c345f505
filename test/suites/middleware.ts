import { createParser } from "eventsource-parser";
import { describe, expect, it } from "vitest";
import { ADMIN_KEY } from "../support/api.ts";
import { eventually, within } from "../support/deadline.ts";
import { HOLDING, PASSING } from "../support/mounted.ts";

export type Ask = (path: string, init?: RequestInit) => Promise<Response>;

const authorization = { Authorization: `Bearer ${ADMIN_KEY}` };

/** Streams behind a host's middleware. @param ask Sends a request to `mountBehindAll`'s app on a runtime. */
export function middlewareSuite(runtime: string, ask: Ask): void {
  const publish = async (name: string, data: unknown) => {
    const answer = await ask(`/${name}/api/realtime/messages`, {
      method: "POST",
      headers: { "Content-Type": "application/json", ...authorization },
      body: JSON.stringify({ topic: "a", data }),
    });
    expect(answer.status).toBe(200);
  };
  const statsOf = async (name: string) =>
    (await ask(`/${name}/api/realtime/stats`, { headers: authorization })).json() as Promise<{
      clients: number;
      disconnects: Record<string, number>;
    }>;
  const allRemoved = (name: string) =>
    eventually(
      async () => (await statsOf(name)).clients === 0,
      `${name}: all clients are removed`,
      10_000,
    );

  describe(`a stream on ${runtime} behind`, () => {
    it.each(Object.keys(PASSING))("%s is complete", async (name) => {
      const abort = new AbortController();
      const response = await within(
        ask(`/${name}/api/realtime?topic=a`, {
          signal: abort.signal,
          headers: { "Accept-Encoding": "gzip" },
        }),
        5000,
        "the response head arrives",
      );
      expect(response.status).toBe(200);
      const data: string[] = [];
      let isConnected = false;
      const parser = createParser({
        onEvent: (event) => {
          if (event.event === "a") data.push(event.data);
          else isConnected = true;
        },
      });
      const reader = response.body?.pipeThrough(new TextDecoderStream() as never).getReader();
      const read = async () => {
        for (let part = await reader?.read(); part?.done === false; part = await reader?.read())
          parser.feed(part.value as unknown as string);
      };
      const reading = read().catch(() => {});
      await eventually(() => isConnected, "the handshake arrives", 5000);
      const numbers = Array.from({ length: 20 }, (_, n) => n);
      for (const n of numbers) await publish(name, n);
      await eventually(() => data.length === numbers.length, "all messages arrive", 5000);
      expect(data).toEqual(numbers.map(String));
      expect((await statsOf(name)).clients).toBe(1);
      abort.abort();
      await reader?.cancel().catch(() => {});
      await reading;
    });

    it.each(Object.keys(HOLDING))("%s is aborted, counted and logged", async (name) => {
      const abort = new AbortController();
      const answer = ask(`/${name}/api/realtime?topic=a`, { signal: abort.signal }).catch(() => {});
      await eventually(
        async () => (await statsOf(name)).disconnects.stale === 1,
        "the stream is aborted",
      );
      await allRemoved(name);
      const logged = (await (await ask("/logged")).json()) as { msg: string; fields?: object }[];
      expect(logged).toContainEqual({
        msg: "stream cut",
        fields: { clientId: expect.any(String), reason: expect.stringMatching(/middleware/) },
      });
      abort.abort();
      await within(Promise.race([answer, Promise.resolve()]), 5000, "the request is over");
    });

    it.each(Object.keys(HOLDING))("%s buffers no more than its limit", async (name) => {
      const abort = new AbortController();
      void ask(`/${name}/api/realtime?topic=a`, { signal: abort.signal }).catch(() => {});
      const cut = async () => {
        const { disconnects } = await statsOf(name);
        return (disconnects.slow ?? 0) + (disconnects.stale ?? 0) === 2;
      };
      for (let sent = 0; sent < 100 && !(await cut()); sent++)
        await publish(name, "x".repeat(1000));
      await eventually(cut, "the stream is aborted");
      abort.abort();
    });
  });
}
