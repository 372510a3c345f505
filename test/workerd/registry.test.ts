import { registrySuite } from "../suites/registry.ts";
import { openRegistry } from "./open-registry.ts";

const heldFromOpen =
  "the hub takes the client in at `open`, so that its first POST, sent as soon as it has its id, finds it";
registrySuite("one Durable Object", () => openRegistry(1), { heldFromOpen });
const topicsPerShard =
  "telling whether two shards mean the same topic would take sending all of them";
registrySuite("three Durable Objects", () => openRegistry(3), { heldFromOpen, topicsPerShard });
