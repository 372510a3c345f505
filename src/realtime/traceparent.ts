import type { Message } from "./types.ts";

/** Version, trace id, parent id and flags. A version after 00 may have further parts. */
const FORM =
  /^(?!ff)([0-9a-f]{2})-((?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/s;

/**
 * Parses the header `traceparent` (https://www.w3.org/TR/trace-context/#traceparent-header). A later version is written as
 * version 00, with the flag "sampled" only, as the specification says.
 *
 * @returns undefined for text that is not valid. The specification says that such a header is ignored.
 */
export function parseTraceparent(text: string | undefined): string | undefined {
  const [, version, ids, flags = "", rest] = FORM.exec(text ?? "") ?? [];
  if (version !== "00") return ids && `00-${ids}-0${Number.parseInt(flags, 16) & 1}`;
  return rest === undefined ? text : undefined;
}

/** Adds a `traceparent` to the messages that have none. Returns the same objects if there is no `traceparent` to add. */
export function withTraceparent(
  messages: readonly Message[],
  traceparent: string | undefined,
): readonly Message[] {
  if (traceparent === undefined) return messages;
  return messages.map((message) => ({
    ...message,
    traceparent: message.traceparent ?? traceparent,
  }));
}
