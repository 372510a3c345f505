import { env, runInDurableObject } from "cloudflare:test";
import { vi } from "vitest";
import type { HubStub } from "../../src/registry/durable-object/protocol.ts";
import { createDurableObjectRegistry } from "../../src/registry/durable-object/registry.ts";
import type { ClientConnection, ConnectRequest } from "../../src/registry/registry.ts";
import { RegistryUnderTest } from "../suites/registry/context.ts";
import type { EvictableHub, TestEnv } from "./worker.ts";

let opened = 0;

/** A registry over hubs of its own, and what only a test does to them. */
export class HubsUnderTest extends RegistryUnderTest {
  readonly shards: number;
  readonly #ids: readonly DurableObjectId[];

  /** @param history Messages that each hub keeps. Default: as many as a hub does. */
  constructor(shards = 1, history?: number) {
    opened += 1;
    const { REALTIME_HUB } = env as unknown as TestEnv;
    const keeps = history === undefined ? "" : `-history-${history}`;
    const names = `hubs-${opened}${keeps}-shard-`;
    const ids = Array.from({ length: shards }, (_, shard) =>
      REALTIME_HUB.idFromName(names + shard),
    );
    const hub = (shard: number) => stubOf(ids, shard) as unknown as HubStub;
    // Nothing fails here by chance: a second try would only hide that a hub threw.
    super(createDurableObjectRegistry({ hub, shards, retryDelays: [] }));
    this.shards = shards;
    this.#ids = ids;
  }

  hub(shard = 0): DurableObjectStub<EvictableHub> {
    return stubOf(this.#ids, shard);
  }

  /** As the registry's side of a hub. */
  stub(shard = 0): HubStub {
    return this.hub(shard) as unknown as HubStub;
  }

  /** Makes the hub forget everything but its storage and its sockets. */
  async evict(shard = 0): Promise<void> {
    await this.hub(shard).evict();
  }

  /** As `registry.open`, on a shard that is chosen. */
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

  /** Whose subscriptions are stored, one for each row. */
  rows(shard = 0): Promise<string[]> {
    return this.inside((_, { storage }) => {
      const query = "SELECT client_id FROM subscriptions ORDER BY client_id, part";
      const rows = storage.sql.exec<{ client_id: string }>(query).toArray();
      return rows.map((row) => row.client_id);
    }, shard);
  }

  /** What is kept of clients outside memory, over all shards: rows and sockets. */
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
export function openHubs(shards = 1): HubsUnderTest {
  const hubs = new HubsUnderTest(shards);
  open.push(hubs);
  return hubs;
}

/** After each test: ends what it has left connected. */
export async function closeHubs(): Promise<void> {
  for (const { registry } of open.splice(0)) await registry.close();
}
