import type { Handler } from "hono";
import * as z from "zod/mini";
import { isFieldText } from "../realtime/sse.ts";
import type { ClientRegistry } from "../registry/registry.ts";
import { readJSONOrForm } from "./body.ts";
import type { IdentifyPeer } from "./peer.ts";
import { validate } from "./validation.ts";

/** Bounds of PocketBase apis/realtime.go, `realtimeSetSubscriptions`. Lengths in UTF-16 code units. */
const MAX_CLIENT_ID = 255;
/** Ours are shorter. */
export const MAX_EVENT_ID: number = MAX_CLIENT_ID;
const MAX_SUBSCRIPTIONS = 1000;
const MAX_SUBSCRIPTION = 2500;

const keySchema = z
  .string()
  .check(
    z.maxLength(MAX_SUBSCRIPTION),
    z.refine(isFieldText, "Must not contain a line break or NUL."),
  );

/** Subscription keys: the same wherever they are sent. */
export const keysSchema: z.ZodMiniArray<z.ZodMiniString> = z
  .array(keySchema)
  .check(z.maxLength(MAX_SUBSCRIPTIONS));

/** An event id or cursor, as it came to the client. What it names, the log says. */
export const eventIdSchema: z.ZodMiniString = z.string().check(z.maxLength(MAX_EVENT_ID));

const subscribeSchema = z.object({
  clientId: z.string().check(z.minLength(1), z.maxLength(MAX_CLIENT_ID)),
  subscriptions: z.nullish(keysSchema),
  lastEventId: z.nullish(eventIdSchema),
});

/** `POST /api/realtime`: replaces what a client subscribes to. */
export function subscribe(registry: ClientRegistry, identify: IdentifyPeer): Handler {
  return async (c) => {
    const body = await readJSONOrForm(c, ["subscriptions"]);
    const { clientId, subscriptions, lastEventId } = validate(subscribeSchema, body);
    const peer = await identify(c);
    await registry.setSubscriptions(clientId, {
      ...peer,
      subscriptions: subscriptions ?? [],
      lastEventId: lastEventId || undefined,
    });
    return c.body(null, 204);
  };
}
