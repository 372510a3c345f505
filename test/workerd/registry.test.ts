import { registrySuite } from "../suites/registry.ts";
import { openRegistry } from "./open-registry.ts";

const connectedFromOpen =
  "the hub registers the client at `open`, so that a first POST right after the handshake finds the client";
registrySuite("one Durable Object", () => openRegistry(1), { connectedFromOpen });
const topicsPerShard =
  "detecting that two shards have the same topic would require sending all topics";
registrySuite("three Durable Objects", () => openRegistry(3), {
  connectedFromOpen,
  topicsPerShard,
});
