/**
 * Text of the event stream format: WHATWG HTML, "Server-sent events", heading "Parsing an event stream".
 * Pure functions; whoever calls them encodes and writes.
 */
import { RealtimeError } from "./errors.ts";

/** The fields of one event. */
export interface SSEMessage {
  /** Event name. Without it the browser fires `message`. One line (`isFieldText`). */
  readonly event?: string | undefined;
  /**
   * A string goes out as it is, one `data:` line for each of its lines; anything else as one line of JSON. Some readers
   * also split a string at U+2028, U+2029 and U+0085; JSON has these characters escaped.
   */
  readonly data?: unknown;
  /** What the browser sends back as `Last-Event-ID`. One line (`isFieldText`). */
  readonly id?: string | undefined;
  /** How long the browser waits before it reconnects, in whole milliseconds. */
  readonly retry?: number | undefined;
}

const LINE_END = /\r\n|\r|\n/;
/**
 * The standard ends a line at CR or LF only, and a reader ignores an id that holds NUL. Readers that split lines with
 * their language's own function also split at the others: Python's `str.splitlines` at all of them.
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters that are refused.
const FORBIDDEN_IN_FIELD = /[\r\n\0\v\f\x1c-\x1e\x85\u2028\u2029]/;
/** Line separators that JSON may hold as they are. JSON escapes all other characters at which a reader may split. */
const JSON_LINE_SEPARATOR = /[\x85\u2028\u2029]/g;

/**
 * One event as text, with the empty line that ends it. Fields stand in the order event, data, id, retry.
 *
 * @throws RealtimeError `invalid_event` when `event` or `id` holds a line break or NUL, `retry` is no whole
 *   number of milliseconds, or `data` can't be JSON (a function, a cycle).
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
 * A comment, which clients ignore: `: ping`. A text of several lines becomes several comment lines. No empty line follows:
 * several readers dispatch an empty event at an empty line (Azure/fetch-event-source issue 15, httpx-sse, the Dart SDK of
 * PocketBase). A comment is complete at the end of its own line.
 */
export function formatSSEComment(comment: string): string {
  return comment
    .split(LINE_END)
    .map((line) => `: ${line}\n`)
    .join("");
}

/**
 * Tells a client a cursor to come back with, when no other event carries it. Several readers dispatch an `id:` without data
 * as an empty event, and npm's `eventsource` ignores it. So the cursor comes with an event of its own.
 */
export function formatCursorEvent(cursor: string | undefined): string {
  return formatSSEMessage({ event: "PB_CURSOR", data: {}, id: cursor });
}

/** Whether `text` can be an event name or id: no NUL, and no character at which a widespread reader ends a line. */
export function isFieldText(text: string): boolean {
  return !FORBIDDEN_IN_FIELD.test(text);
}

function checkField(field: "event" | "id", text: string): string {
  if (isFieldText(text)) return text;
  throw new RealtimeError(
    "invalid_event",
    `The ${field} of an event must not contain a line break or NUL: they would end the field. Remove or escape them.`,
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
 * One line of JSON, for readers too that end a line at U+2028, U+2029 or U+0085: these are escaped (`\u2028`).
 *
 * @throws RealtimeError `invalid_event` when there is no JSON for it.
 */
export function toJSONLine(data: unknown): string {
  let json: string | undefined;
  let cause: unknown;
  try {
    json = JSON.stringify(data);
    // JSON.stringify writes NaN and Infinity as null.
    if (json?.includes("null")) JSON.stringify(data, refuseNonFinite);
  } catch (error) {
    if (error instanceof RealtimeError) throw error;
    json = undefined;
    cause = error;
  }
  if (json !== undefined) return json.replace(JSON_LINE_SEPARATOR, escapeSeparator);
  throw new RealtimeError(
    "invalid_event",
    "data can't be written as JSON: it is a function or symbol, holds a cycle or a BigInt, or is nested too deeply.",
    { cause },
  );
}

function refuseNonFinite(_: string, value: unknown): unknown {
  if (typeof value !== "number" || Number.isFinite(value)) return value;
  throw new RealtimeError(
    "invalid_event",
    `data holds a number that JSON can't express: ${value}. A number from JSON that is too large for a double (1e400) becomes Infinity. Send the number as a string.`,
  );
}

function escapeSeparator(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
