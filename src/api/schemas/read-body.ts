/** Reads a request's body as JSON or as a form. middleware/body-limit.ts has already read the bytes. */
import type { Context } from "hono";
import { HTTPException } from "hono/http-exception";
import { invalidInput } from "./validate.ts";

const JSON_TYPE = /^application\/(?:[\w.-]+\+)?json$/;
const FORM_TYPES: ReadonlySet<string> = new Set([
  "application/x-www-form-urlencoded",
  "multipart/form-data",
]);

/** Reads a JSON body. @throws HTTPException 415 for another Content-Type, 400 for invalid JSON or invalid UTF-8. */
export async function readJSON(c: Context): Promise<unknown> {
  if (!JSON_TYPE.test(mediaType(c))) {
    throw unsupported(c, "Send JSON with the header Content-Type: application/json.");
  }
  return parseJSON(await readText(c));
}

/**
 * Reads a body that is JSON or a form. An empty body is an empty object, as in PocketBase.
 *
 * @param lists Form fields that may be repeated.
 * @throws HTTPException 415 for another Content-Type, 400 for an invalid body. RealtimeError `invalid_input` for a repeated
 *   field.
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
  // Checks that the body is UTF-8.
  await readText(c);
  try {
    form = await c.req.formData();
  } catch {
    throw new HTTPException(400, {
      message: "The request body is not the form that its Content-Type announces.",
    });
  }
  // One pass over all fields: `form.getAll(name)` for each name would take quadratic time.
  const fields = new Map<string, unknown>();
  for (const [name, value] of form) {
    const before = fields.get(name);
    if (Array.isArray(before)) before.push(value);
    else if (lists.includes(name)) fields.set(name, [value]);
    else if (before === undefined) fields.set(name, value);
    else {
      const message = "The field is repeated. Send it once.";
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

/** The body as text, without a byte order mark. Hono's `text()` would silently replace bytes that are not UTF-8. */
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
  const isMissing = c.req.header("Content-Type") === undefined;
  const problem = isMissing
    ? "The Content-Type is missing."
    : "This Content-Type is not supported.";
  return new HTTPException(415, { message: `${problem} ${hint}` });
}
