/**
 * Text of the event stream format: WHATWG HTML, "Server-sent events", heading "Parsing an event stream".
 * Pure functions; whoever calls them encodes and writes.
 */
import { RealtimeError } from "./errors.ts";

/** The fields of one event. */
export interface SSEMessage {
  /** Event name. Without it the browser fires `message`. No CR, LF or NUL. */
  readonly event?: string | undefined;
  /** A string goes out as it is, one `data:` line for each of its lines; anything else as one line of JSON. */
  readonly data?: unknown;
  /** What the browser sends back as `Last-Event-ID`. No CR, LF or NUL. */
  readonly id?: string | undefined;
  /** How long the browser waits before it reconnects, in whole milliseconds. */
  readonly retry?: number | undefined;
}

const LINE_END = /\r\n|\r|\n/;
// A parser ends the field at CR or LF, and ignores an id that holds NUL.
const FORBIDDEN_IN_FIELD = /[\r\n\0]/;

/**
 * One event as text, with the empty line that ends it. Fields stand in the order event, data, id, retry.
 *
 * @throws RealtimeError `invalid_event` when `event` or `id` holds CR, LF or NUL, `retry` is no whole
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

/** A comment, which no client shows: `: ping`. A text of several lines becomes several comment lines. */
export function formatSSEComment(comment: string): string {
  return `${comment
    .split(LINE_END)
    .map((line) => `: ${line}\n`)
    .join("")}\n`;
}

/** Whether `text` can be an event name or id. */
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
 * One line of JSON: JSON escapes every line break that stands in a string.
 *
 * @throws RealtimeError `invalid_event` when there is no JSON for it.
 */
export function toJSONLine(data: unknown): string {
  let json: string | undefined;
  let cause: unknown;
  try {
    json = JSON.stringify(data);
  } catch (error) {
    cause = error;
  }
  if (json !== undefined) return json;
  throw new RealtimeError(
    "invalid_event",
    "data can't be written as JSON: it is a function or symbol, holds a cycle or a BigInt, or is nested too deeply.",
    { cause },
  );
}
