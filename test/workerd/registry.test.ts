import { env } from "cloudflare:test";
import {
  createDurableObjectRegistry,
  type HubStub,
} from "../../src/registry/durable-object/registry.ts";
import { registrySuite } from "../suites/registry.ts";
import type { TestEnv } from "./worker.ts";

const { REALTIME_HUB } = env as unknown as TestEnv;
let opened = 0;

/** A registry over hubs that no other test uses. */
function open(shards: number) {
  opened += 1;
  const names = `suite-${opened}-shard-`;
  return createDurableObjectRegistry({
    hub: (shard) => REALTIME_HUB.get(REALTIME_HUB.idFromName(names + shard)) as unknown as HubStub,
    shards,
  });
}

const heldFromOpen =
  "the hub takes the client in at `open`, so that its first POST, sent as soon as it has its id, finds it";
registrySuite("one Durable Object", () => open(1), { heldFromOpen });
const topicsPerShard =
  "telling whether two shards mean the same topic would take sending all of them";
registrySuite("three Durable Objects", () => open(3), { heldFromOpen, topicsPerShard });
