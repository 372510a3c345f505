import { registrySuite } from "../suites/registry.ts";
import { CONNECTED_FROM_OPEN, openRegistry } from "./open-registry.ts";

registrySuite("one Durable Object", () => openRegistry(1), {
  connectedFromOpen: CONNECTED_FROM_OPEN,
});
