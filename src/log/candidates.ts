import { RealtimeError } from "../realtime/errors.ts";
import type { Message } from "../realtime/types.ts";
import type { Bytes } from "../realtime/units.ts";
import { assertNoReusedIds, fingerprint } from "./fingerprint.ts";
import { messageSize } from "./log.ts";

/** A message of a call of `append`, before it is appended. */
export interface Candidate {
  readonly message: Message;
  /** The `fingerprint` of the message. */
  readonly content: number;
  /** Whether the log remembers the id, or an earlier message of the call has it. */
  readonly isDuplicate: boolean;
}

/**
 * Compares the messages of a call with earlier messages that have the same ids, in the log and in the call.
 *
 * @param fingerprintOf Returns the fingerprint of the message with an id. Undefined when the log does not remember the id. Null
 *   when the log has the id without a fingerprint: the contents can't be compared.
 * @throws RealtimeError `id_reused` when the contents differ.
 */
export function toCandidates(
  messages: readonly Message[],
  fingerprintOf: (id: string) => number | null | undefined,
): readonly Candidate[] {
  const inCall = new Map<string, number>();
  const reused: number[] = [];
  const candidates = messages.map((message, index) => {
    const content = fingerprint(message);
    const inLog = fingerprintOf(message.id);
    const earlier = inLog === undefined ? inCall.get(message.id) : inLog;
    const isDuplicate = earlier !== undefined;
    if (isDuplicate && earlier !== null && earlier !== content) reused.push(index);
    if (!isDuplicate) inCall.set(message.id, content);
    return { message, content, isDuplicate };
  });
  assertNoReusedIds(reused);
  return candidates;
}

/** @throws RealtimeError `invalid_input` for a message of more than `max` bytes (`messageSize`). */
export function assertSizes(messages: readonly Message[], max: Bytes): void {
  if (max === Number.POSITIVE_INFINITY) return;
  const size = Math.max(0, ...messages.map(messageSize));
  if (size <= max) return;
  throw new RealtimeError(
    "invalid_input",
    `The message has ${size} bytes, and the limit is ${max}. Send a smaller message.`,
  );
}
