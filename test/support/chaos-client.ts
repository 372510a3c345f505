import { EventSource, type FetchLike } from "eventsource";
import { trackClient } from "./clients.ts";
import type { Random } from "./random.ts";

/** The content of a published message. */
export interface ChaosData {
  /** The message's number among all messages. */
  readonly n: number;
  readonly padding: string;
}

/** One delivery. */
export interface Received {
  readonly key: string;
  readonly n: number;
  /** The event's id, for a fault's description. */
  readonly id: string;
}

/** An `EventSource` that is cut repeatedly, and all events that it received. */
export interface ChaosClient {
  readonly name: string;
  readonly keys: readonly string[];
  readonly received: readonly Received[];
  readonly counts: ClientCounts;
  /** Why the client has stopped reconnecting, if it has. */
  gaveUp(): string | undefined;
  isConnected(): boolean;
  /** The largest n that arrived under a key. -1 before the first. */
  newest(key: string): number;
  close(): void;
}

export interface ClientCounts {
  /** The number of opened streams. */
  opened: number;
  /** The number of PB_RESUME events with `recovered: true`, and the sum of their `replayed`. */
  recovered: number;
  replayed: number;
  /** The number of PB_RESUME events with `recovered: false`. */
  unrecovered: number;
}

/** Opens the stream of a client that subscribes in its URL. */
export function openChaosClient(
  url: string,
  name: string,
  keys: readonly string[],
  random: Random,
): ChaosClient {
  const received: Received[] = [];
  const newest = new Map<string, number>();
  const counts: ClientCounts = { opened: 0, recovered: 0, replayed: 0, unrecovered: 0 };
  let gaveUp: string | undefined;
  let isConnected = false;
  const query = keys.map((key) => `topic=${encodeURIComponent(key)}`).join("&");
  const source = new EventSource(`${url}/api/realtime?${query}`, { fetch: fetchSooner(random) });
  const close = () => {
    forget();
    source.close();
  };
  const forget = trackClient(() => source.close());
  source.addEventListener("PB_CONNECT", () => {
    counts.opened += 1;
    isConnected = true;
  });
  source.addEventListener("PB_RESUME", ({ data }) => countResume(counts, data));
  source.addEventListener("error", ({ message }) => {
    isConnected = false;
    if (source.readyState === EventSource.CLOSED) gaveUp = message ?? "closed";
  });
  for (const key of keys) {
    source.addEventListener(key, ({ data, lastEventId }) => {
      const { n }: ChaosData = JSON.parse(data);
      received.push({ key, n, id: lastEventId });
      newest.set(key, Math.max(n, newest.get(key) ?? -1));
    });
  }
  return {
    name,
    keys,
    received,
    counts,
    gaveUp: () => gaveUp,
    isConnected: () => isConnected,
    newest: (key) => newest.get(key) ?? -1,
    close,
  };
}

function countResume(counts: ClientCounts, data: string): void {
  const resume: { readonly recovered: boolean; readonly replayed?: number } = JSON.parse(data);
  if (resume.recovered) {
    counts.recovered += 1;
    counts.replayed += resume.replayed ?? 0;
  } else {
    counts.unrecovered += 1;
  }
}

/**
 * A `fetch` that adds a `retry:` to the start of a stream. An `EventSource` has no option for the reconnect delay, which is three
 * seconds by default. All other bytes are unchanged.
 */
function fetchSooner(random: Random): FetchLike {
  return async (input, init) => {
    const response = await fetch(input, init);
    if (response.status !== 200 || response.body === null) return response;
    // Mostly at once, and sometimes late enough for a replay.
    const retry = random.chance(0.25) ? random.between(500, 1500) : random.between(20, 150);
    const head = new TextEncoder().encode(`retry: ${retry}\n\n`);
    const body = response.body.pipeThrough(
      new TransformStream<Uint8Array, Uint8Array>({
        start: (controller) => controller.enqueue(head),
      }),
    );
    const { status, headers } = response;
    return new Response(body, { status, headers });
  };
}
