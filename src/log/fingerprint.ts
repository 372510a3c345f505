import { type FieldErrors, RealtimeError } from "../realtime/errors.ts";
import type { Message } from "../realtime/types.ts";

/**
 * A number for the content of a message: topics, data and whether it is private. Two messages of one id are told apart by it.
 *
 * FNV-1a with two multipliers, as a whole number of 53 bits. It is fast and not cryptographic: a publisher who looks for two
 * contents of one number only has the second taken for a repeat of the first.
 */
export function fingerprint({ topics, data, private: isPrivate }: Message): number {
  // A topic has no line break.
  const text = `${isPrivate}\n${topics.join("\n")}\n${data}`;
  let low = 0x811c9dc5;
  let high = 0x2f0b4f17;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    low = Math.imul(low ^ code, 0x01000193);
    high = Math.imul(high ^ code, 0x5bd1e995);
  }
  return (high >>> 11) * 0x1_0000_0000 + (low >>> 0);
}

const FAULT = {
  id: {
    code: "validation_id_reused",
    message:
      "An earlier message has this id and other content. Send a new message with an id of its own, and a repeat unchanged.",
  },
};

/** @throws RealtimeError `id_reused` when there are any, with the fault of each by its index. */
export function assertNoReusedIds(indexes: readonly number[]): void {
  if (indexes.length === 0) return;
  const fields: FieldErrors = Object.fromEntries(indexes.map((index) => [index, FAULT]));
  throw new RealtimeError("id_reused", FAULT.id.message, { fields });
}
