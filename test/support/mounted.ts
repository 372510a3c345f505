import { Hono, type MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import { cache } from "hono/cache";
import { compress } from "hono/compress";
import { cors } from "hono/cors";
import { etag } from "hono/etag";
import { logger } from "hono/logger";
import { prettyJSON } from "hono/pretty-json";
import { secureHeaders } from "hono/secure-headers";
import { timeout } from "hono/timeout";
import { timing } from "hono/timing";
import type { ServerOptions } from "../../src/api/options.ts";
import { createServer, type RealtimeServer } from "../../src/api/server.ts";
import type { LogFields } from "../../src/realtime/types.ts";
import { ADMIN_KEY } from "./api.ts";

/** Middleware that must pass a stream through, by the path under which the service is mounted behind it. */
export const PASSING: Readonly<Record<string, readonly MiddlewareHandler[]>> = {
  "body-limit": [bodyLimit({ maxSize: 100_000 })],
  cache: [cache({ cacheName: "test", cacheControl: "max-age=60", onCacheNotAvailable: false })],
  compress: [compress({ threshold: 0 })],
  etag: [etag()],
  "cors-etag": [cors(), etag()],
  // As when a host's handler returns the response of `app.fetch`: the response's guard is lost.
  "etag-of-a-copy": [
    etag(),
    async (c, next) => {
      await next();
      c.res = new Response(c.res.body, c.res);
    },
  ],
  logger: [logger(() => {})],
  "pretty-json": [prettyJSON({ force: true })],
  "secure-headers": [secureHeaders()],
  timeout: [timeout(5000)],
  timing: [timing()],
  "header-before-etag": [
    etag(),
    async (c, next) => {
      c.res.headers.set("X-Before", "yes");
      await next();
    },
  ],
  "body-log": [
    async (c, next) => {
      await next();
      await c.res.clone().text();
    },
  ],
  "new-response": [
    async (c, next) => {
      await next();
      c.res = new Response(c.res.body, c.res);
    },
  ],
  transform: [
    async (c, next) => {
      await next();
      const same = new TransformStream<Uint8Array, Uint8Array>();
      if (c.res.body !== null) c.res = new Response(c.res.body.pipeThrough(same), c.res);
    },
  ],
};

/** Middleware that can't pass a stream through, because it waits for the end of the response. */
export const HOLDING: Readonly<Record<string, MiddlewareHandler>> = {
  text: async (c, next) => {
    await next();
    c.res = new Response(await c.res.text(), c.res);
  },
  "array-buffer": async (c, next) => {
    await next();
    c.res = new Response(await c.res.arrayBuffer(), c.res);
  },
  never: async (_, next) => {
    await next();
    await new Promise(() => {});
  },
};

/** A host's app with the service mounted behind each middleware. `GET /logged` returns the services' log lines. */
export function mountBehindAll(options: ServerOptions): Hono {
  const app = new Hono();
  const logged: { msg: string; fields: LogFields | undefined }[] = [];
  const log = (msg: string, fields?: LogFields) => void logged.push({ msg, fields });
  const create = (): RealtimeServer =>
    createServer({
      ...{ adminKey: ADMIN_KEY, handshakeTimeout: 500, maxBufferedBytes: 10_000 },
      ...options,
      logger: { debug: () => {}, info: () => {}, warn: log, error: log },
    });
  const all = Object.entries(PASSING).concat(
    Object.entries(HOLDING).map(([name, middleware]) => [name, [middleware]]),
  );
  for (const [name, middleware] of all) {
    app.use(`/${name}/api/realtime`, ...middleware);
    app.route(`/${name}`, create().app);
  }
  app.get("/logged", (c) => c.json(logged));
  app.onError((_, c) => c.text("an error of the host", 500));
  return app;
}
