import { fileURLToPath } from "node:url";
import { afterAll, beforeAll } from "vitest";
import { bunPath } from "../../../scripts/bun.mjs";
import { middlewareSuite } from "../../suites/middleware.ts";
import { BUN, type Service, startService } from "../../support/service.ts";

const file = fileURLToPath(new URL("../../support/mounted-bun.ts", import.meta.url));
const MOUNTED = { ...BUN, command: () => [bunPath(), file] as const };

let service: Service;
beforeAll(async () => {
  service = await startService(MOUNTED);
});
afterAll(() => service.stop("SIGTERM"));

middlewareSuite("Bun", (path, init) => fetch(service.url + path, init));
