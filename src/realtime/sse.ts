/** Formats events and comments of an event stream (WHATWG HTML, "Server-sent events", heading "Parsing an event stream"). */
import { RealtimeError } from "./errors.ts";
import type { Milliseconds } from "./units.ts";

/** The fields of one event. */
export interface SSEMessage {
  /** Event name, one line (`isFieldText`). Without a name, the browser fires `message`. */
  readonly event?: string | undefined;
  /**
   * A string is written unchanged, with a `data:` line for each of its lines. Any other value is written as one line of JSON.
   * Some parsers also split a line at U+2028, U+2029 and U+0085. These characters are escaped in JSON, but not in a string.
   */
  readonly data?: unknown;
  /** Event id, one line (`isFieldText`). A browser that reconnects sends the last id as `Last-Event-ID`. */
  readonly id?: string | undefined;
  /** How long the browser waits before it reconnects, in whole milliseconds. */
  readonly retry?: Milliseconds | undefined;
}

const LINE_END = /\r\n|\r|\n/;
/**
 * In the standard, only CR and LF end a line, and an id with NUL is ignored. The other characters are included because some
 * parsers use the line splitting of their language: Python's `str.splitlines` splits at all of them.
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: the control characters are the ones to find
const FORBIDDEN_IN_FIELD = /[\r\n\0\v\f\x1c-\x1e\x85\u2028\u2029]/;
/** The characters of `FORBIDDEN_IN_FIELD` that JSON.stringify does not escape. */
const JSON_LINE_SEPARATOR = /[\x85\u2028\u2029]/g;

/**
 * Formats one event, including the empty line that ends the event. The fields come in the order event, data, id, retry.
 *
 * @throws RealtimeError `invalid_event` when `event` or `id` contains a line break or NUL, `retry` is not a whole number of
 *   milliseconds, or `data` can't be written as JSON (for example a function or a cycle).
 * @example
 * formatSSEMessage({ event: "chat", data: { n: 1 }, id: "7" }); // "event: chat\ndata: {\"n\":1}\nid: 7\n\n"
 */
export function formatSSEMessage(message: SSEMessage): string {
  let text = "";
  if (message.event !== undefined) text += `event: ${checkField("event", message.event)}\n`;
  if (message.data !== undefined) text += dataLines(message.data);
  if (message.id !== undefined) text += `id: ${checkField("id", message.id)}\n`;
  if (message.retry !== undefined) text += `retry: ${checkRetry(message.retry)}\n`;
  return `${text}\n`;
}

/**
 * Formats a comment, which clients ignore. Each line of the text becomes a comment line. No empty line follows. A comment does
 * not need it, and several parsers dispatch an empty event at an empty line (Azure/fetch-event-source issue 15, httpx-sse,
 * PocketBase's Dart SDK).
 *
 * @example
 * formatSSEComment("ping"); // ": ping\n"
 */
export function formatSSEComment(comment: string): string {
  return comment
    .split(LINE_END)
    .map((line) => `: ${line}\n`)
    .join("");
}

/**
 * Formats the event PB_CURSOR, which gives a client a cursor to resume from. A block with only an `id:` field would not work
 * in every client: several parsers dispatch an empty event, and npm's `eventsource` ignores the id.
 */
export function formatCursorEvent(cursor: string | undefined): string {
  return formatSSEMessage({ event: "PB_CURSOR", data: {}, id: cursor });
}

/** Whether a text can be an event name or id: it contains neither NUL nor a character at which a common parser ends a line. */
export function isFieldText(text: string): boolean {
  return !FORBIDDEN_IN_FIELD.test(text);
}

function checkField(field: "event" | "id", text: string): string {
  if (isFieldText(text)) return text;
  throw new RealtimeError(
    "invalid_event",
    `The ${field} of an event must not contain a line break or NUL: a client would cut the field off or ignore it. Remove or escape them.`,
  );
}

function checkRetry(retry: number): number {
  if (Number.isSafeInteger(retry) && retry >= 0) return retry;
  throw new RealtimeError(
    "invalid_event",
    `retry must be a whole number of milliseconds from 0 up, not ${retry}.`,
  );
}

function dataLines(data: unknown): string {
  const text = typeof data === "string" ? data : toJSONLine(data);
  return `data: ${LINE_END.test(text) ? text.split(LINE_END).join("\ndata: ") : text}\n`;
}

/**
 * Writes a value as one line of JSON. U+2028, U+2029 and U+0085 are escaped (`\u2028`), because some parsers end a line there.
 *
 * @throws RealtimeError `invalid_event` when the value can't be written as JSON.
 */
export function toJSONLine(data: unknown): string {
  let json: string | undefined;
  let cause: unknown;
  try {
    json = JSON.stringify(data);
    // JSON.stringify writes NaN and Infinity as null. A second pass with a slow replacer refuses these numbers, but only if
    // the JSON contains "null".
    if (json?.includes("null")) JSON.stringify(data, refuseNonFinite);
  } catch (error) {
    if (error instanceof RealtimeError) throw error;
    json = undefined;
    cause = error;
  }
  if (json !== undefined) return json.replace(JSON_LINE_SEPARATOR, escapeSeparator);
  throw new RealtimeError(
    "invalid_event",
    "data can't be written as JSON: it is a function or symbol, contains a cycle or a BigInt, or is nested too deeply.",
    { cause },
  );
}

function refuseNonFinite(_: string, value: unknown): unknown {
  if (typeof value !== "number" || Number.isFinite(value)) return value;
  throw new RealtimeError(
    "invalid_event",
    `data contains a number that JSON can't express: ${value}. A number from JSON that is too large for a double (1e400) becomes Infinity. Send the number as a string.`,
  );
}

function escapeSeparator(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
