import { registryLongSuite, registrySuite } from "../../suites/registry.ts";
import { CONNECTED_FROM_OPEN, openRegistry } from "../../workerd/open-registry.ts";

registrySuite("three Durable Objects", () => openRegistry(3), {
  connectedFromOpen: CONNECTED_FROM_OPEN,
  topicsPerShard: "detecting that two shards have the same topic would require sending all topics",
});
registryLongSuite("one Durable Object", () => openRegistry(1));
registryLongSuite("three Durable Objects", () => openRegistry(3));
