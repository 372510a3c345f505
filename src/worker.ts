/** The standalone Worker: wrangler's main module. */
import { explainConsoleOff } from "./api/console/off.ts";
import { createJSONLogger } from "./api/logger.ts";
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

/**
 * The defaults of a standalone service. The console is on if an admin key is set and the Worker has the static assets. The OpenAPI
 * document is on if the Worker has them.
 */
function withDefaults(env: Variables): Variables {
  return {
    ...env,
    REALTIME_ORIGINS: env.REALTIME_ORIGINS || "*",
    REALTIME_METRICS: env.REALTIME_METRICS || "admin",
    REALTIME_CONSOLE: env.REALTIME_CONSOLE || String(Boolean(env.REALTIME_ADMIN_KEY && env.ASSETS)),
  };
}

let last: { readonly env: Variables; readonly complete: Variables } | undefined;

/** Logs an invalid setting at most once a minute, because every request fails with it. */
const logger = protectLogger(createJSONLogger({ write: console.error }), () => performance.now());

export default {
  fetch(request: Request, env: Variables, ctx: ExecutionContext): Response | Promise<Response> {
    try {
      const isNew = last?.env !== env;
      if (last === undefined || isNew) last = { env, complete: withDefaults(env) };
      const { app } = getRealtime(last.complete, { health: true, openapi: Boolean(env.ASSETS) });
      if (isNew && String(last.complete.REALTIME_CONSOLE).trim() !== "true") explainConsoleOff(app);
      return app.fetch(request, env, ctx);
    } catch (error) {
      if (!(error instanceof RealtimeError)) throw error;
      logger.error("invalid settings", { error: error.message });
      const message = "The service has invalid settings. Its log names them.";
      return Response.json({ status: 500, message, data: {} }, { status: 500 });
    }
  },
} satisfies ExportedHandler<Env>;
