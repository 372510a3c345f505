/** Pocketwire on Cloudflare Workers, for a Worker of your own (`pocketwire/cloudflare`). The standalone Worker is worker.ts. */
export { RealtimeError } from "./realtime/errors.ts";
export { type Env, RealtimeHub } from "./runtimes/workers/hub-binding.ts";
export { workerRuntime } from "./runtimes/workers/runtime.ts";
export { getRealtime } from "./runtimes/workers/server.ts";
