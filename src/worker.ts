/** wrangler's main: the app on Cloudflare Workers, over Durable Objects. */
import { createLogger } from "./api/logger.ts";
import { type Env, getRealtime } from "./cloudflare.ts";
import { RealtimeError } from "./realtime/errors.ts";
import { protectLogger } from "./realtime/protected-logger.ts";

export { RealtimeHub } from "./cloudflare.ts";

interface Variables extends Env {
  readonly REALTIME_ADMIN_KEY?: string;
  readonly REALTIME_CONSOLE?: string;
  readonly REALTIME_METRICS?: string;
  readonly REALTIME_ORIGINS?: string;
}

/** A service of its own has all of it. The console needs a key; with one in .dev.vars it is there under `wrangler dev`. */
function withDefaults(env: Variables): Variables {
  return {
    ...env,
    REALTIME_ORIGINS: env.REALTIME_ORIGINS || "*",
    REALTIME_METRICS: env.REALTIME_METRICS || "admin",
    REALTIME_CONSOLE: env.REALTIME_CONSOLE || String(Boolean(env.REALTIME_ADMIN_KEY)),
  };
}

let last: { readonly env: Variables; readonly full: Variables } | undefined;

/** Each request finds the same settings wrong: the protected logger writes one line a minute. */
const logger = protectLogger(createLogger({ write: console.error }), () => performance.now());

export default {
  fetch(request: Request, env: Variables, ctx: ExecutionContext): Response | Promise<Response> {
    try {
      if (last?.env !== env) last = { env, full: withDefaults(env) };
      return getRealtime(last.full, { health: true, openapi: true }).app.fetch(request, env, ctx);
    } catch (error) {
      if (!(error instanceof RealtimeError)) throw error;
      logger.error("the service is not configured as it should be", { error: error.message });
      const message = "The service is not configured as it should be; its log says what is wrong.";
      return Response.json({ status: 500, message, data: {} }, { status: 500 });
    }
  },
} satisfies ExportedHandler<Env>;
