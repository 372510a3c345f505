import type { Handler } from "hono";
import * as z from "zod/mini";
import { isFieldText } from "../realtime/sse.ts";
import { parseSubscription } from "../realtime/subscription.ts";
import type { ClientRegistry } from "../registry/registry.ts";
import type { Auth } from "./auth.ts";
import { readJSONOrForm } from "./body.ts";
import type { Hooks } from "./hooks.ts";
import type { RequestLimits } from "./options.ts";
import { validate } from "./validation.ts";

/** As PocketBase's (apis/realtime.go, `realtimeSetSubscriptions`). UTF-16 code units. */
const MAX_CLIENT_ID = 255;
/** Ours are shorter. */
export const MAX_EVENT_ID: number = MAX_CLIENT_ID;

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
  return z.array(key).check(z.maxLength(maxSubscriptions));
}

/** An event id or cursor, as it came to the client. What it names, the log says. */
export const eventIdSchema: z.ZodMiniString = z.string().check(z.maxLength(MAX_EVENT_ID));

/** The topics of subscription keys, without options: what rights are about. */
export function topicsOf(keys: readonly string[]): string[] {
  return keys.filter((key) => key !== "").map((key) => parseSubscription(key).topic);
}

/** What a client's subscriptions are set with. */
export function subscribeSchema(limits: KeyLimits) {
  return z.object({
    clientId: z.string().check(z.minLength(1), z.maxLength(MAX_CLIENT_ID)),
    subscriptions: z.nullish(keysSchema(limits)),
    lastEventId: z.nullish(eventIdSchema),
  });
}

/** `POST /api/realtime`: replaces what a client subscribes to. */
export function subscribe(
  registry: ClientRegistry,
  auth: Auth,
  limits: RequestLimits,
  { onSubscribe }: Hooks = {},
): Handler {
  const schema = subscribeSchema(limits);
  return async (c) => {
    const body = await readJSONOrForm(c, ["subscriptions"]);
    const { clientId, subscriptions, lastEventId } = validate(schema, body);
    const keys = subscriptions ?? [];
    const peer = await auth.toSubscribe(c, topicsOf(keys));
    const { ip, identity } = peer;
    const changed = await onSubscribe?.({ clientId, ip, identity, subscriptions: keys }, c);
    await registry.setSubscriptions(clientId, {
      ...peer,
      subscriptions: changed ?? keys,
      lastEventId: lastEventId || undefined,
    });
    return c.body(null, 204);
  };
}
