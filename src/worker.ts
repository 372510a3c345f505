/** wrangler's main: the app on Cloudflare Workers, over Durable Objects. */
import { type Env, realtimeOf } from "./cloudflare.ts";
import { RealtimeError } from "./realtime/errors.ts";

export { RealtimeHub } from "./cloudflare.ts";

export default {
  fetch(request: Request, env: Env, ctx: ExecutionContext): Response | Promise<Response> {
    try {
      return realtimeOf(env).app.fetch(request, env, ctx);
    } catch (error) {
      if (!(error instanceof RealtimeError)) throw error;
      console.error(error.message);
      const message = "The service is not configured as it should be; its log says what is wrong.";
      return Response.json({ status: 500, message, data: {} }, { status: 500 });
    }
  },
} satisfies ExportedHandler<Env>;
