/** Subscription keys and event ids: the same wherever they are sent. */
import * as z from "zod/mini";
import { isFieldText } from "../../realtime/sse.ts";
import { topicOf } from "../../realtime/subscriptions/subscription-key.ts";
import type { RequestLimits } from "../limits.ts";

/** As PocketBase's (apis/realtime.go, `realtimeSetSubscriptions`). UTF-16 code units. */
export const MAX_CLIENT_ID = 255;
/** Ours are shorter. */
export const MAX_EVENT_ID: number = MAX_CLIENT_ID;

/** Of all keys of a client, which stay in memory. UTF-16 code units. */
const MAX_KEYS_LENGTH = 131_072;

export type KeyLimits = Pick<RequestLimits, "maxSubscriptions" | "maxTopicLength">;

/** Subscription keys: the same wherever they are sent. */
export function keysSchema({
  maxSubscriptions,
  maxTopicLength,
}: KeyLimits): z.ZodMiniArray<z.ZodMiniString> {
  const key = z
    .string()
    .check(
      z.maxLength(maxTopicLength),
      z.refine(isFieldText, "Must not contain a line break or NUL."),
    );
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

/** An event id or cursor, as it came to the client. What it names, the log says. */
export const eventIdSchema: z.ZodMiniString = z.string().check(z.maxLength(MAX_EVENT_ID));

/** The topics of subscription keys, without options: what rights are about. */
export function topicsOf(keys: readonly string[]): string[] {
  return keys.filter((key) => key !== "").map(topicOf);
}
