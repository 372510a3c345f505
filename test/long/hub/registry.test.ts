import { registryLongSuite } from "../../suites/registry.ts";
import { openRegistry } from "../../workerd/open-registry.ts";

registryLongSuite("one Durable Object", () => openRegistry(1));
registryLongSuite("three Durable Objects", () => openRegistry(3));
