import { defineConfig } from "vitest/config";
import { projectOf, reporters } from "./vitest.config.ts";

const RESOURCES = "test/long/resources.test.ts";

/** What takes long by its nature (`npm run test:long`): floods, chaos, hibernation, clients that do not read. */
export default defineConfig({
  test: {
    reporters: reporters("long"),
    maxWorkers: 2,
    projects: [
      {
        test: {
          name: "unit",
          include: ["test/long/adapters/*.test.ts"],
          testTimeout: 60_000,
        },
      },
      "vitest.hub.config.ts",
      projectOf("node", "test/long", [RESOURCES]),
      projectOf("workerd", "test/long"),
      projectOf("bun", "test/long", [RESOURCES]),
      // These measure how long the service computes in one go: nothing else runs beside them.
      ...(["node", "bun"] as const).map((runtime) => ({
        test: {
          name: `${runtime}-resources`,
          include: [RESOURCES],
          env: { RUNTIME: runtime },
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      })),
    ],
  },
});
