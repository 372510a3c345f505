import { env } from "cloudflare:test";
import type { HubStub } from "../../src/registry/durable-object/protocol.ts";
import { createDurableObjectRegistry } from "../../src/registry/durable-object/registry.ts";
import type { ClientRegistry } from "../../src/registry/registry.ts";
import type { TestEnv } from "./worker.ts";

const { REALTIME_HUB } = env as unknown as TestEnv;
let opened = 0;

/** A registry over hubs that no other test uses. */
export function openRegistry(shards: number): ClientRegistry {
  opened += 1;
  const names = `presence-${shards}-suite-${opened}-shard-`;
  return createDurableObjectRegistry({
    hub: (shard) => REALTIME_HUB.get(REALTIME_HUB.idFromName(names + shard)) as unknown as HubStub,
    shards,
  });
}

/** A flag of the registry's contract, with its reason. */
export const CONNECTED_FROM_OPEN =
  "the hub registers the client at `open`, so that a first POST right after the handshake finds the client";
