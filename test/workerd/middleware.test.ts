import { workerRuntime } from "../../src/cloudflare.ts";
import { middlewareSuite } from "../suites/middleware.ts";
import { mountBehindAll } from "../support/mounted.ts";

// Over a registry in this process: what differs in workerd is the stream, and pings find who has left.
const app = mountBehindAll({ runtime: workerRuntime, pingInterval: 100 });

middlewareSuite("workerd", async (path, init) => app.request(path, init));
