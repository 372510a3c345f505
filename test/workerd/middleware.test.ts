import { workerRuntime } from "../../src/cloudflare.ts";
import { middlewareSuite } from "../suites/middleware.ts";
import { mountBehindAll } from "../support/mounted.ts";

// Uses the in-process registry, because only the stream differs in workerd. Pings detect disconnected clients.
const app = mountBehindAll({ runtime: workerRuntime, pingInterval: 100 });

middlewareSuite("workerd", async (path, init) => app.request(path, init));
