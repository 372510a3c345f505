/**
 * Pocketwire on Cloudflare Workers, for a Worker of your own (`pocketwire/cloudflare`). The standalone Worker is worker.ts.
 *
 * The declarations use the types of Workers. TypeScript finds these if your project runs `npx wrangler types`, or lists
 * `@cloudflare/workers-types` under `types` in tsconfig.json.
 */
export { RealtimeError } from "./realtime/errors.ts";
export { type Env, RealtimeHub } from "./runtimes/workers/hub-binding.ts";
export { workerRuntime } from "./runtimes/workers/runtime.ts";
export { getRealtime } from "./runtimes/workers/server.ts";
