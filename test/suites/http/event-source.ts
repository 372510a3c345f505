import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { EventSource } from "eventsource";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { setSubscriptions } from "../../support/api.ts";
import { eventually, within } from "../../support/deadline.ts";
import { numbers, publishNumbers } from "../../support/numbered.ts";
import { type RuntimeUnderTest, type Service, startService } from "../../support/service.ts";

/** A TCP proxy with connections that a test can break. */
interface Relay {
  readonly url: string;
  /** Breaks every open connection. */
  cut(): void;
  close(): void;
}

async function openRelay(target: string): Promise<Relay> {
  const { hostname, port } = new URL(target);
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(Number(port), hostname);
    for (const [one, other] of [[near, far] as const, [far, near] as const]) {
      sockets.add(one);
      one
        .on("error", () => {})
        .on("close", () => {
          sockets.delete(one);
          other.destroy();
        });
      one.pipe(other);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut,
    close: () => {
      cut();
      server.close();
    },
  };
}

/** The unmodified npm package `eventsource`. It reconnects by itself, three seconds after its connection broke. */
export function eventSourceSuite(runtime: RuntimeUnderTest): void {
  describe("an EventSource with a connection that breaks", () => {
    let service: Service;
    let relay: Relay;
    beforeAll(async () => {
      // `wrangler dev` may neither accept nor fail a write to a client that has disconnected.
      service = await startService(runtime, { env: { REALTIME_STALE_SECONDS: "2" } });
      relay = await openRelay(service.url);
    });
    afterAll(async () => {
      relay.close();
      await service.stop();
    });

    const ways: [string, (topic: string) => Subscriber][] = [
      ["with topics in its address", (topic) => addressing(relay.url, topic)],
      ["that subscribes whenever it is connected", (topic) => subscribing(relay.url, topic)],
    ];
    it.each(ways)("%s reconnects by itself and misses nothing", async (way, open) => {
      const topic = way.replaceAll(" ", "-");
      const { source, subscribed } = open(topic);
      const found = listen(source, topic);
      const { url } = service;
      try {
        await within(subscribed, 10_000, "the EventSource is subscribed");
        // Before any message, so the cursor is that of the handshake.
        let last = 0;
        for (const got of [0, 3, 0]) {
          await publishNumbers(url, topic, last + 1, last + got);
          last += got;
          await eventually(() => found.numbers.length === last, `${last} messages`);
          relay.cut();
          await publishNumbers(url, topic, last + 1, last + 5, { batch: 2 });
          last += 5;
          const resumes = found.resumes.length + 1;
          await eventually(() => found.resumes.length === resumes, `resume ${resumes}`);
          await publishNumbers(url, topic, last + 1, last + 2);
          last += 2;
          await eventually(() => found.numbers.length >= last, `${last} messages`);
          expect(found.numbers).toEqual(numbers(1, last));
        }
        expect(found.resumes).toEqual(Array(3).fill({ recovered: true, replayed: 5 }));
      } finally {
        source.close();
      }
    });
  });
}

interface Subscriber {
  readonly source: EventSource;
  /** Settles at the first subscription. */
  readonly subscribed: Promise<unknown>;
}

function addressing(url: string, topic: string): Subscriber {
  const source = new EventSource(`${url}/api/realtime?topic=${topic}`);
  const subscribed = new Promise((resolve) => source.addEventListener("PB_CONNECT", resolve));
  return { source, subscribed };
}

/** README, "Use it from a browser". */
function subscribing(url: string, topic: string): Subscriber {
  const source = new EventSource(`${url}/api/realtime`);
  const subscribed = new Promise((resolve) => {
    source.addEventListener("PB_CONNECT", ({ data }) => {
      const { clientId } = JSON.parse(data) as { clientId: string };
      void setSubscriptions(url, clientId, [topic]).then(resolve, () => {});
    });
  });
  return { source, subscribed };
}

function listen(source: EventSource, topic: string) {
  const found: { numbers: number[]; resumes: unknown[] } = { numbers: [], resumes: [] };
  source.addEventListener(topic, ({ data }) => void found.numbers.push(JSON.parse(data).n));
  source.addEventListener("PB_RESUME", ({ data }) => void found.resumes.push(JSON.parse(data)));
  return found;
}
