import { env, runInDurableObject } from "cloudflare:test";
import { vi } from "vitest";
import type { HubStub } from "../../src/registry/durable-object/protocol.ts";
import { createDurableObjectRegistry } from "../../src/registry/durable-object/registry.ts";
import type { ClientConnection, ConnectRequest } from "../../src/registry/registry.ts";
import { RegistryUnderTest } from "../suites/registry/context.ts";
import type { EvictableHub, TestEnv } from "./worker.ts";

let opened = 0;

/**
 * `rules`: hubs with `RULES` in their environment. `own-rules`: the same, and a subclass passes other rules. `presence`: the topics
 * `chat/*` have members. `tells`: the same, and the hubs tell a backend of all events.
 * `traced`: the hubs trace their deliveries.
 */
type Kind = "hubs" | "traced" | "rules" | "own-rules" | "presence" | "tells";

/** A registry over separate hubs, with operations for tests. */
export class HubsUnderTest extends RegistryUnderTest {
  readonly shards: number;
  readonly #ids: readonly DurableObjectId[];

  /** @param history Messages that each hub keeps. Default: the hub's default. */
  constructor(shards = 1, history?: number, kind: Kind = "hubs") {
    opened += 1;
    const { REALTIME_HUB } = env as unknown as TestEnv;
    const keeps = history === undefined ? "" : `-history-${history}`;
    const members = kind === "presence" || kind === "tells" ? `presence-${shards}-` : "";
    const names = `${members}${kind}-${opened}${keeps}-shard-`;
    const ids = Array.from({ length: shards }, (_, shard) =>
      REALTIME_HUB.idFromName(names + shard),
    );
    const hub = (shard: number) => stubOf(ids, shard) as unknown as HubStub;
    // No retries: calls do not fail by chance here, and a retry would hide an exception of a hub.
    super(createDurableObjectRegistry({ hub, shards, retryDelays: [] }));
    this.shards = shards;
    this.#ids = ids;
  }

  hub(shard = 0): DurableObjectStub<EvictableHub> {
    return stubOf(this.#ids, shard);
  }

  /** A hub's stub, as the registry uses it. */
  stub(shard = 0): HubStub {
    return this.hub(shard) as unknown as HubStub;
  }

  /** Evicts the hub, which keeps only its storage and its sockets. */
  async evict(shard = 0): Promise<void> {
    await this.hub(shard).evict();
  }

  /** Ends the hub as a failure does: it loses its memory and its sockets, and no method of it is called. */
  async abort(shard = 0): Promise<void> {
    const aborting = this.inside((_, state) => state.abort("A test has aborted the hub."), shard);
    await aborting.catch(() => {});
  }

  /** As `registry.open`, on a given shard. */
  open(shard: number, request: ConnectRequest = {}): Promise<ClientConnection> {
    const chance = vi.spyOn(Math, "random").mockReturnValueOnce(shard / this.shards);
    const opening = this.registry.open(request);
    chance.mockRestore();
    return opening;
  }

  /** Runs inside the hub's object. */
  inside<T>(
    run: (hub: EvictableHub, state: DurableObjectState) => T | Promise<T>,
    shard = 0,
  ): Promise<T> {
    return runInDurableObject(this.hub(shard), run);
  }

  /** The client id of each stored row of subscriptions. */
  rows(shard = 0): Promise<string[]> {
    return this.inside((_, { storage }) => {
      const query = "SELECT client_id FROM subscriptions ORDER BY client_id, part";
      const rows = storage.sql.exec<{ client_id: string }>(query).toArray();
      return rows.map((row) => row.client_id);
    }, shard);
  }

  /** The number of clients' rows and sockets outside memory, over all shards. */
  async traces(): Promise<number> {
    let count = 0;
    for (let shard = 0; shard < this.shards; shard++) {
      count += (await this.rows(shard)).length;
      count += await this.inside((_, state) => state.getWebSockets().length, shard);
    }
    return count;
  }
}

function stubOf(ids: readonly DurableObjectId[], shard: number): DurableObjectStub<EvictableHub> {
  const id = ids[shard];
  if (id === undefined) throw new Error(`There is no shard ${shard}.`);
  return (env as unknown as TestEnv).REALTIME_HUB.get(id);
}

const open: HubsUnderTest[] = [];

/** Hubs that no other test uses. */
export function openHubs(shards = 1, kind: Kind = "hubs"): HubsUnderTest {
  const hubs = new HubsUnderTest(shards, undefined, kind);
  open.push(hubs);
  return hubs;
}

/** Closes the connections that a test has left open. Call it after each test. */
export async function closeHubs(): Promise<void> {
  for (const { registry } of open.splice(0)) await registry.close();
}
