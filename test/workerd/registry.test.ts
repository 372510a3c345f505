import { registrySuite } from "../suites/registry.ts";
import { openRegistry } from "./open-registry.ts";

const heldFromOpen =
  "the hub registers the client at `open`, so that a first POST right after the handshake finds the client";
registrySuite("one Durable Object", () => openRegistry(1), { heldFromOpen });
const topicsPerShard =
  "detecting that two shards have the same topic would require sending all topics";
registrySuite("three Durable Objects", () => openRegistry(3), { heldFromOpen, topicsPerShard });
