import type { Context, MiddlewareHandler } from "hono";
import { HTTPException } from "hono/http-exception";
import { networkOf } from "../../realtime/access/ip-address.ts";
import { RealtimeError } from "../../realtime/errors.ts";
import type { Bytes, Milliseconds } from "../../realtime/units.ts";
import type { ServerContext } from "../context.ts";
import { BODIES_IN_PROGRESS } from "../limits.ts";
import { type BodyShare, createBodyBudget } from "./body-budget.ts";
import type { PublisherEnv } from "./require-publisher.ts";

/** `requirePublisher` may run before `limitBody`, and then sets the caller. */
interface BodyEnv {
  readonly Variables: Partial<PublisherEnv["Variables"]>;
}

/**
 * Reads the whole body before the handler runs. The handler then parses the cached body as JSON, text or a form.
 *
 * Refuses a body larger than `maxBodyBytes` with 413, whether or not the client announces the length. Refuses a body that does
 * not arrive within `requestTimeout` with 408: a client could otherwise occupy memory indefinitely by sending a byte now and
 * then.
 *
 * The bodies of one network that are being read may together have up to 16 times `maxBodyBytes` (`BODIES_IN_PROGRESS`). Beyond
 * that, a body is refused with 429. This limit does not apply to publishers with the admin key.
 */
export function limitBody({ limits, auth, runtime }: ServerContext): MiddlewareHandler<BodyEnv> {
  const { maxBodyBytes, requestTimeout } = limits;
  const openShare = createBodyBudget(maxBodyBytes * BODIES_IN_PROGRESS);
  return async (c, next) => {
    refuseEncoding(c);
    const ip = c.get("pocketwire.caller")?.isAdmin === true ? undefined : auth.addressOf(c);
    const share = ip === undefined ? undefined : openShare(networkOf(ip));
    const timeout = startTimeout(requestTimeout);
    try {
      if (isReadElsewhere(c, runtime.isBodyRead)) throw bodyAlreadyRead();
      await Promise.race([readBody(c, maxBodyBytes, share), timeout.promise]);
    } finally {
      timeout.clear();
      share?.release();
    }
    return next();
  };
}

/** Rejects with RealtimeError `too_slow` after `milliseconds`. */
function startTimeout(milliseconds: Milliseconds): {
  readonly promise: Promise<never>;
  readonly clear: () => void;
} {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const promise = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const seconds = milliseconds / 1000;
      const message = `The request body did not arrive within ${seconds} s. Send it again.`;
      reject(new RealtimeError("too_slow", message));
    }, milliseconds);
  });
  return { promise, clear: () => clearTimeout(timer) };
}

/**
 * Whether code outside Hono has read the body. A body that middleware has read by Hono's `c.req` is cached, and can be read
 * again.
 */
function isReadElsewhere(c: Context, isBodyRead?: (c: Context) => boolean): boolean {
  return !hasCachedBody(c.req) && (c.req.raw.bodyUsed || isBodyRead?.(c) === true);
}

async function readBody(c: Context, maxBytes: Bytes, share: BodyShare | undefined): Promise<void> {
  const { req } = c;
  const length = req.header("Content-Length");
  const isAnnounced = length !== undefined && req.header("Transfer-Encoding") === undefined;
  if (isAnnounced && Number(length) > maxBytes) throw tooLarge(maxBytes);
  try {
    // Hono caches a body that middleware has read by `c.req`. A body with an announced length is cheaper to read without a web
    // stream, but a share must count the bytes while they arrive.
    if ((isAnnounced && share === undefined) || hasCachedBody(req)) {
      if ((await req.arrayBuffer()).byteLength > maxBytes) throw tooLarge(maxBytes);
      return;
    }
    const body = await readChunks(req.raw.body, (bytes) => {
      if (bytes > maxBytes) throw tooLarge(maxBytes);
      share?.grow(bytes);
    });
    // The body goes into Hono's cache, and not into a new `Request`: the constructor of `Request` refuses the request of
    // @hono/node-server unless @hono/node-server has replaced the global class. The cast to `never`: the type of the cache
    // names other values than Hono reads from it.
    req.bodyCache.arrayBuffer = Promise.resolve(body) as never;
  } catch (error) {
    // A body that other code is reading is locked, but not used yet.
    throw error instanceof TypeError && req.raw.body?.locked === true ? bodyAlreadyRead() : error;
  }
}

function hasCachedBody({ bodyCache }: Context["req"]): boolean {
  return Object.keys(bodyCache).length > 0;
}

function tooLarge(maxBytes: Bytes): RealtimeError {
  const message = `The request body is larger than ${maxBytes} bytes. Send less at a time.`;
  return new RealtimeError("too_large", message);
}

function bodyAlreadyRead(): RealtimeError {
  const message =
    "The request body was read before the request reached Pocketwire. Mount Pocketwire before middleware that reads " +
    "bodies, such as express.json(), or exclude Pocketwire's paths from it.";
  return new RealtimeError("body_already_read", message, { cause: message });
}

/** @throws HTTPException 415 for a compressed body (RFC 9110, "415 Unsupported Media Type"), before the body is read. */
function refuseEncoding(c: Context): void {
  const encoding = c.req.header("Content-Encoding")?.trim().toLowerCase() ?? "";
  if (encoding === "" || encoding === "identity") return;
  c.header("Accept-Encoding", "identity");
  throw new HTTPException(415, {
    message: `The Content-Encoding ${JSON.stringify(encoding.slice(0, 50))} is not supported. Send the body uncompressed, without Content-Encoding.`,
  });
}

/**
 * Reads a body chunk by chunk.
 *
 * @param onBytes Called before each chunk is kept, with the number of bytes so far, including this chunk. It throws to stop the
 *   reading.
 */
async function readChunks(
  stream: ReadableStream<Uint8Array> | null,
  onBytes: (bytes: Bytes) => void,
): Promise<ArrayBuffer> {
  const reader = stream?.getReader();
  // One buffer that grows: a list of chunks of one byte each would take a hundred times their size.
  let buffer = new Uint8Array(4096);
  let bytes = 0;
  for (let next = await reader?.read(); next?.value !== undefined; next = await reader?.read()) {
    const chunk = next.value;
    onBytes(bytes + chunk.length);
    if (bytes + chunk.length > buffer.length) {
      const larger = new Uint8Array(Math.max(2 * buffer.length, bytes + chunk.length));
      larger.set(buffer.subarray(0, bytes));
      buffer = larger;
    }
    buffer.set(chunk, bytes);
    bytes += chunk.length;
  }
  return buffer.buffer.slice(0, bytes);
}
