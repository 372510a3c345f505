/**
 * The schemas of subscription keys and event ids. A request that opens a stream does not check its event id: it shortens an id that
 * is too long (`createConnectReader`).
 */
import * as v from "valibot";
import { isFieldText } from "../../realtime/sse.ts";
import { topicOf } from "../../realtime/subscriptions/subscription-key.ts";
import { MAX_EVENT_ID, MAX_KEYS_LENGTH, type RequestLimits } from "../limits.ts";

/** The limits of a client's subscription keys. */
export type KeyLimits = Pick<RequestLimits, "maxSubscriptions" | "maxTopicLength">;

/** A check for text that an SSE field can carry. */
export const isOneLine = v.check<string, string>(
  isFieldText,
  "Must not contain a line break or NUL.",
);

/** The subscription keys of one client. */
export function keysSchema({ maxSubscriptions, maxTopicLength }: KeyLimits) {
  const key = v.pipe(v.string(), v.maxLength(maxTopicLength), isOneLine);
  const fits = (keys: string[]) => {
    let length = 0;
    for (const key of keys) length += key.length;
    return length <= MAX_KEYS_LENGTH;
  };
  return v.pipe(
    v.array(key),
    v.maxLength(maxSubscriptions),
    v.check(fits, `Must have at most ${MAX_KEYS_LENGTH} characters in all.`),
  );
}

/** An event id or cursor. Only its length is checked here; the log decides whether it is known. */
export const eventIdSchema = v.pipe(v.string(), v.maxLength(MAX_EVENT_ID));

/** The topics of subscription keys, without their options. Rights apply to topics. */
export function topicsOf(keys: readonly string[]): string[] {
  return keys.filter((key) => key !== "").map(topicOf);
}
