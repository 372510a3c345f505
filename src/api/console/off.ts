import type { Hono } from "hono";
import { notFoundResponse } from "../error-response.ts";

const MESSAGE = "The console is off. To turn it on, set REALTIME_CONSOLE=true.\n";

/**
 * Makes `/` say that the console is off, with the status 404. Only for a standalone service: in an app that mounts the service, `/`
 * belongs to the app.
 */
export function explainConsoleOff(app: Hono): void {
  app.notFound((c) => {
    if (c.req.path !== "/") return notFoundResponse(c);
    c.header("X-Content-Type-Options", "nosniff");
    return c.text(MESSAGE, 404);
  });
}
