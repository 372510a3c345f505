/** An answer over several processes and Redis: the model, the readers and the stop are each at another process. */
import type { UIMessageChunk } from "ai";
import { EventSource } from "eventsource";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createChatTransport, publishStream, stopStream } from "../../../src/ai.ts";
import { createServer } from "../../../src/api/server.ts";
import type { Realtime } from "../../../src/client/types.ts";
import { connect } from "../../../src/client.ts";
import { openRedis } from "../../../src/node.ts";
import { partsOf, readAll } from "../../support/answers.ts";
import { ADMIN_KEY } from "../../support/api.ts";
import { type Cluster, startCluster } from "../../support/cluster.ts";
import { eventually, within } from "../../support/deadline.ts";
import { NO_REDIS, type RedisServer, startRedis } from "../../support/redis-server.ts";
import { NODE } from "../../support/service.ts";

const TOPICS = [{ match: "chats/*", keep: 10_000, private: true }];
const WORDS = Array.from({ length: 300 }, (_, n) => `word ${n} `);
const PARTS = partsOf("m1", WORDS);

/** A model that says a part every 10 ms, until its signal is aborted. */
function speak(signal?: AbortSignal): ReadableStream<UIMessageChunk> {
  let next = 0;
  return new ReadableStream({
    async pull(controller) {
      await new Promise((resolve) => setTimeout(resolve, 10));
      const part = PARTS[next++];
      if (part === undefined || signal?.aborted) controller.close();
      else controller.enqueue(part);
    },
  });
}

const title = "an answer over three processes on Node";
describe.skipIf(NO_REDIS)(`${title}${NO_REDIS ? ` (skipped: ${NO_REDIS})` : ""}`, () => {
  let redis: RedisServer;
  let cluster: Cluster;
  const clients: Realtime[] = [];

  beforeEach(async () => {
    redis = await startRedis({ isDurable: true });
    const env = { REALTIME_TOPICS: JSON.stringify(TOPICS) };
    cluster = await startCluster(NODE, { redisURL: redis.url, env });
  }, 60_000);
  afterEach(async () => {
    for (const client of clients.splice(0)) client.close();
    await cluster.stop();
    await redis.stop();
  });

  function clientOf(process: number): Realtime {
    const { url = "" } = cluster.services[process] ?? {};
    const client = connect(url, { EventSource, token: () => ADMIN_KEY });
    clients.push(client);
    return client;
  }

  /** Joins the running answer at a process. */
  async function join(process: number): Promise<ReadableStream<UIMessageChunk>> {
    const transport = createChatTransport({ realtime: clientOf(process) });
    return eventually(
      async () => (await transport.reconnectToStream({ chatId: "1" })) ?? undefined,
      `the answer runs at process ${process}`,
    );
  }

  it("is complete at each process, although processes are killed and Redis does not answer for some time", async () => {
    const { ended } = publishStream(clientOf(0), "chats/1", speak());
    const reading = [readAll(await join(1)), readAll(await join(2))];
    await cluster.killAndRestart(1);
    redis.signal("SIGSTOP");
    // The publisher's process answers 503 meanwhile.
    const isUnreachable = async () => {
      const { url = "" } = cluster.services[0] ?? {};
      return (await fetch(`${url}/api/health/ready`)).status === 503;
    };
    await eventually(isUnreachable, "the process finds out that Redis does not answer");
    redis.signal("SIGCONT");
    await cluster.killAndRestart(0);
    reading.push(readAll(await join(0)));
    expect(await within(ended, 60_000, "the answer ends")).toBe("finished");
    for (const parts of await within(Promise.all(reading), 60_000, "the readers end")) {
      expect(parts).toEqual(PARTS);
    }
  }, 120_000);

  it("of a model beside an embedded service is stopped by a request to another process", async () => {
    const log = await openRedis({ url: redis.url, topics: TOPICS });
    const realtime = createServer({ ...log, topics: TOPICS });
    const { ended } = publishStream(realtime, "chats/1", speak);
    const [first, second] = [await join(1), await join(2)];
    const [reader, other] = [first.getReader(), readAll(second)];
    const seen: UIMessageChunk[] = [];
    const read = async () => {
      const { done, value } = await reader.read();
      if (!done) seen.push(value);
      return done;
    };
    while (seen.length < 50) await read();
    await stopStream(clientOf(2), "chats/1");
    expect(await within(ended, 10_000, "the answer ends")).toBe("stopped");
    while (!(await within(read(), 10_000, "the next part")));
    expect(await within(other, 10_000, "the second reader ends")).toEqual(seen);
    expect(seen.at(-1)).toEqual({ type: "abort" });
    expect(PARTS.slice(0, seen.length - 1)).toEqual(seen.slice(0, -1));
    expect(seen.length).toBeLessThan(PARTS.length);
    await realtime.close();
  }, 60_000);
});
