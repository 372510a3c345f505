/**
 * The schemas of subscription keys and event ids. A request that opens a stream does not check its event id: it shortens an id that
 * is too long (`createConnectReader`).
 */
import * as z from "zod/mini";
import { isFieldText } from "../../realtime/sse.ts";
import { topicOf } from "../../realtime/subscriptions/subscription-key.ts";
import { MAX_EVENT_ID, MAX_KEYS_LENGTH, type RequestLimits } from "../limits.ts";

/** The limits of a client's subscription keys. */
export type KeyLimits = Pick<RequestLimits, "maxSubscriptions" | "maxTopicLength">;

/** A check for text that an SSE field can carry. */
export const isOneLine: z.core.$ZodCheck<string> = z.refine<string>(
  isFieldText,
  "Must not contain a line break or NUL.",
);

/** The subscription keys of one client. */
export function keysSchema({
  maxSubscriptions,
  maxTopicLength,
}: KeyLimits): z.ZodMiniArray<z.ZodMiniString> {
  const key = z.string().check(z.maxLength(maxTopicLength), isOneLine);
  const fits = (keys: readonly string[]) => {
    let length = 0;
    for (const key of keys) length += key.length;
    return length <= MAX_KEYS_LENGTH;
  };
  return z
    .array(key)
    .check(
      z.maxLength(maxSubscriptions),
      z.refine(fits, `Must have at most ${MAX_KEYS_LENGTH} characters in all.`),
    );
}

/** An event id or cursor. Only its length is checked here; the log decides whether it is known. */
export const eventIdSchema: z.ZodMiniString = z.string().check(z.maxLength(MAX_EVENT_ID));

/** The topics of subscription keys, without their options. Rights apply to topics. */
export function topicsOf(keys: readonly string[]): string[] {
  return keys.filter((key) => key !== "").map(topicOf);
}
