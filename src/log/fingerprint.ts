import { type FieldErrors, RealtimeError } from "../realtime/errors.ts";
import type { Message } from "../realtime/types.ts";

/**
 * Returns a hash of a message's content: its topics, its data, its change and whether it is private. A log compares the hashes
 * of two messages with the same id to distinguish a retry from a reused id.
 *
 * The hash is FNV-1a (http://www.isthe.com/chongo/tech/comp/fnv/) with two multipliers, as an integer of 53 bits. It is
 * fast, but not cryptographic. A publisher that finds two contents with the same hash gains nothing: the log treats the
 * second message as a retry of the first.
 */
export function fingerprint({ topics, data, change, private: isPrivate }: Message): number {
  // No topic is empty, and neither topics nor data nor change contain a line break. Different contents therefore give
  // different texts. A message without a change has the text that earlier versions hashed.
  const rest = change === undefined ? "" : `\n\n${change}`;
  const text = `${isPrivate}\n${topics.join("\n")}\n${data}${rest}`;
  let low = 0x811c9dc5;
  let high = 0x2f0b4f17;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    low = Math.imul(low ^ code, 0x01000193);
    high = Math.imul(high ^ code, 0x5bd1e995);
  }
  return (high >>> 11) * 0x1_0000_0000 + (low >>> 0);
}

const REUSED_ID = {
  code: "validation_id_reused",
  message:
    "An earlier message has this id, but other content. Give a new message a new id, and send a retry unchanged.",
};

/**
 * Refuses a batch in which messages reuse ids.
 *
 * @param indexes Indexes of the messages in the batch that have the id of an earlier message, but other content.
 * @throws RealtimeError `id_reused` unless `indexes` is empty. `fields` has one error for each index.
 */
export function assertNoReusedIds(indexes: readonly number[]): void {
  if (indexes.length === 0) return;
  const fields: FieldErrors = Object.fromEntries(
    indexes.map((index) => [index, { id: REUSED_ID }]),
  );
  throw new RealtimeError("id_reused", REUSED_ID.message, { fields });
}
