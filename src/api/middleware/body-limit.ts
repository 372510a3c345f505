import type { Context, MiddlewareHandler } from "hono";
import { HTTPException } from "hono/http-exception";
import { networkOf } from "../../realtime/access/ip-address.ts";
import { RealtimeError } from "../../realtime/errors.ts";
import type { Runtime } from "../runtime.ts";
import { invalidInput } from "../schemas/validate.ts";

const JSON_TYPE = /^application\/(?:[\w.-]+\+)?json$/;
const FORM_TYPES: ReadonlySet<string> = new Set([
  "application/x-www-form-urlencoded",
  "multipart/form-data",
]);

/** How many of the largest bodies one network may have on their way at the same time. */
const BODIES_AT_ONCE = 16;

interface BodyLimits {
  readonly maxBodyBytes: number;
  /** Milliseconds. */
  readonly requestTimeout: number;
}

/**
 * Reads the body, whole, before anybody asks for it in whatever form. Refuses a larger one with 413, whether or not it
 * announces its length, and one that does not arrive in time with 408: a client that sends a byte now and then would
 * hold its request, and what was read of it, for as long as it likes. One network may have the bytes of sixteen of the
 * largest on their way, counted as they arrive; beyond that it gets 429. Requests with the admin key are not counted.
 */
export function limitBody(
  { maxBodyBytes: maxBytes, requestTimeout: timeout }: BodyLimits,
  addressOf: (c: Context) => string | undefined,
  { isBodyRead }: Runtime = {},
): MiddlewareHandler {
  const reserve = createReserve(maxBytes * BODIES_AT_ONCE);
  const tooLarge = () => {
    const message = `The request body is larger than ${maxBytes} bytes. Send less at a time.`;
    return new RealtimeError("too_large", message);
  };
  const read = async ({ req }: Context, share: Share | undefined): Promise<void> => {
    const length = req.header("Content-Length");
    const isAnnounced = length !== undefined && req.header("Transfer-Encoding") === undefined;
    if (isAnnounced && Number(length) > maxBytes) throw tooLarge();
    // Hono keeps a body that middleware has read through `c.req`. Without a web stream, an announced body is cheaper to read.
    if ((isAnnounced && share === undefined) || hasCachedBody(req)) {
      if ((await req.arrayBuffer()).byteLength > maxBytes) throw tooLarge();
      return;
    }
    const body = await readPieces(req.raw.body, (bytes) => {
      if (bytes > maxBytes) throw tooLarge();
      share?.grow(bytes);
    });
    // Not a `new Request`: the constructor refuses node-server's request where that has not replaced the global class.
    req.bodyCache.arrayBuffer = Promise.resolve(body) as never;
  };
  const readUnread = async (c: Context, share: Share | undefined): Promise<void> => {
    if (!hasCachedBody(c.req) && (c.req.raw.bodyUsed || isBodyRead?.(c) === true)) {
      throw alreadyRead();
    }
    try {
      await read(c, share);
    } catch (error) {
      // A body that other code is reading is locked, but not used yet.
      throw error instanceof TypeError && c.req.raw.body?.locked === true ? alreadyRead() : error;
    }
  };
  return async (c, next) => {
    refuseEncoding(c);
    const ip = c.get("caller")?.isAdmin === true ? undefined : addressOf(c);
    const share = ip === undefined ? undefined : reserve(networkOf(ip));
    let timer: ReturnType<typeof setTimeout> | null = null;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        const message = `The request body did not arrive within ${timeout / 1000} s. Send it again.`;
        reject(new RealtimeError("too_slow", message));
      }, timeout);
    });
    try {
      await Promise.race([readUnread(c, share), late]);
    } finally {
      if (timer !== null) clearTimeout(timer);
      share?.free();
    }
    return next();
  };
}

function hasCachedBody({ bodyCache }: Context["req"]): boolean {
  return Object.keys(bodyCache).length > 0;
}

function alreadyRead(): RealtimeError {
  const message =
    "The request body was read before the request reached Pocketwire. Mount Pocketwire in front of what reads bodies, " +
    "such as express.json(), or exclude Pocketwire's paths from it.";
  return new RealtimeError("body_already_read", message, { cause: message });
}

/** @throws HTTPException 415 for a compressed body, before anything of it is read. */
function refuseEncoding(c: Context): void {
  const encoding = c.req.header("Content-Encoding")?.trim().toLowerCase() ?? "";
  if (encoding === "" || encoding === "identity") return;
  // RFC 9110, "415 Unsupported Media Type".
  c.header("Accept-Encoding", "identity");
  throw new HTTPException(415, {
    message: `The Content-Encoding ${JSON.stringify(encoding.slice(0, 50))} is not read here. Send the body uncompressed, without Content-Encoding.`,
  });
}

/**
 * Reads a body piece by piece.
 *
 * @param onBytes Gets the bytes so far before each further piece is kept, and throws to stop.
 */
async function readPieces(
  stream: ReadableStream<Uint8Array> | null,
  onBytes: (bytes: number) => void,
): Promise<ArrayBuffer> {
  const reader = stream?.getReader();
  // One buffer that grows: a list of pieces of one byte each would take a hundred times their size.
  let buffer = new Uint8Array(4096);
  let bytes = 0;
  for (let next = await reader?.read(); next?.value !== undefined; next = await reader?.read()) {
    const piece = next.value;
    onBytes(bytes + piece.length);
    if (bytes + piece.length > buffer.length) {
      const larger = new Uint8Array(Math.max(2 * buffer.length, bytes + piece.length));
      larger.set(buffer.subarray(0, bytes));
      buffer = larger;
    }
    buffer.set(piece, bytes);
    bytes += piece.length;
  }
  return buffer.buffer.slice(0, bytes);
}

/** The bytes of one body that count for its network. */
interface Share {
  /** @throws RealtimeError `too_many_requests` when the network has too much on its way; also once the share is free. */
  grow(bytes: number): void;
  free(): void;
}

/** Counts the bytes of bodies that each network has sent and that are not handled yet. */
function createReserve(most: number): (network: string) => Share {
  const taken = new Map<string, number>();
  const add = (network: string, bytes: number) => {
    const sum = (taken.get(network) ?? 0) + bytes;
    if (sum > 0) taken.set(network, sum);
    else taken.delete(network);
    return sum;
  };
  return (network) => {
    let held = 0;
    let isFree = false;
    return {
      grow(bytes) {
        const more = bytes - held;
        if (isFree || (taken.get(network) ?? 0) + more > most) {
          const message = "Too much is on its way from this address. Wait as Retry-After says.";
          throw new RealtimeError("too_many_requests", message, { retryAfter: 1 });
        }
        add(network, more);
        held = bytes;
      },
      free() {
        isFree = true;
        add(network, -held);
        held = 0;
      },
    };
  };
}

/** The body as JSON. @throws HTTPException 415 or 400. */
export async function readJSON(c: Context): Promise<unknown> {
  if (!JSON_TYPE.test(mediaType(c))) {
    throw unsupported(c, "Send JSON with the header Content-Type: application/json.");
  }
  return parseJSON(await readText(c));
}

/**
 * The body as JSON or as a form; an empty one is an empty object, as in PocketBase.
 *
 * @param lists The form fields that may come more than once.
 * @throws HTTPException 415 or 400.
 */
export async function readJSONOrForm(c: Context, lists: readonly string[]): Promise<unknown> {
  const type = mediaType(c);
  if (FORM_TYPES.has(type)) return readForm(c, lists);
  if (JSON_TYPE.test(type)) return parseJSON((await readText(c)) || "{}");
  if (type === "" && (await c.req.arrayBuffer()).byteLength === 0) return {};
  throw unsupported(c, "Send JSON (Content-Type: application/json) or a form.");
}

async function readForm(c: Context, lists: readonly string[]): Promise<unknown> {
  let form: FormData;
  await readText(c);
  try {
    form = await c.req.formData();
  } catch {
    throw new HTTPException(400, {
      message: "The request body is not the form that its Content-Type announces.",
    });
  }
  // One pass: asking a form for each of its names takes as many steps as it has fields, each time.
  const fields = new Map<string, unknown>();
  for (const [name, value] of form) {
    const before = fields.get(name);
    if (Array.isArray(before)) before.push(value);
    else if (lists.includes(name)) fields.set(name, [value]);
    else if (before === undefined) fields.set(name, value);
    else {
      const message = "Stands there twice. Send it once.";
      throw invalidInput({ [name.slice(0, 64)]: { code: "validation_match_invalid", message } });
    }
  }
  return Object.fromEntries(fields);
}

function parseJSON(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new HTTPException(400, { message: "The request body is not valid JSON." });
  }
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** The body as text. Hono's `text()` replaces bytes that are not UTF-8 without a word. A byte order mark is skipped. */
async function readText(c: Context): Promise<string> {
  const bytes = await c.req.arrayBuffer();
  try {
    return utf8.decode(bytes);
  } catch {
    throw new HTTPException(400, { message: "The request body is not valid UTF-8." });
  }
}

function mediaType(c: Context): string {
  return c.req.header("Content-Type")?.split(";")[0]?.trim().toLowerCase() ?? "";
}

function unsupported(c: Context, hint: string): HTTPException {
  const type = c.req.header("Content-Type");
  const found =
    type === undefined ? "There is no Content-Type" : "That Content-Type is not known here";
  return new HTTPException(415, { message: `${found}. ${hint}` });
}
