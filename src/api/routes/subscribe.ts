import type { Handler } from "hono";
import * as v from "valibot";
import { RealtimeError } from "../../realtime/errors.ts";
import type { ServerContext } from "../context.ts";
import { MAX_CLIENT_ID } from "../limits.ts";
import type { ArrivalEnv } from "../middleware/arrival-time.ts";
import { spanOf } from "../middleware/trace-request.ts";
import { createSubscribeHook } from "../run-hooks.ts";
import { strictObject } from "../schemas/objects.ts";
import { checkQueryParameters } from "../schemas/query.ts";
import { readJSONOrForm } from "../schemas/read-body.ts";
import {
  eventIdSchema,
  type KeyLimits,
  keysSchema,
  topicsOf,
} from "../schemas/subscription-keys.ts";
import { validate } from "../schemas/validate.ts";
import { unknownClientError } from "../unknown-client.ts";

/** The body of `POST /api/realtime`. */
export function subscribeSchema(limits: KeyLimits) {
  return strictObject({
    clientId: v.pipe(v.string(), v.minLength(1), v.maxLength(MAX_CLIENT_ID)),
    subscriptions: v.nullish(keysSchema(limits)),
    lastEventId: v.nullish(eventIdSchema),
  });
}

/** `POST /api/realtime`: replaces the subscriptions of a client. `recordArrivalTime` must run before it. */
export function subscribe(context: ServerContext): Handler<ArrivalEnv> {
  const { registry, auth, limits, rateLimits, requestQueue } = context;
  const schema = subscribeSchema(limits);
  const runSubscribeHook = createSubscribeHook(context);
  return async (c) => {
    checkQueryParameters(c);
    const body = await readJSONOrForm(c, ["subscriptions"]);
    await requestQueue?.enter();
    const { clientId, subscriptions, lastEventId } = validate(schema, body);
    rateLimits.addresses.checkSubscribe(auth.addressOf(c), clientId);
    const keys = subscriptions ?? [];
    spanOf(c)?.addClient(clientId, keys.length);
    const { principal, expiredTokenError } = await auth.authorizeSetSubscriptions(
      c,
      topicsOf(keys),
    );
    // A client with an expired credential becomes a guest. With `anonymous: "none"` its stream stays open, but without
    // subscriptions.
    const mustSignIn = expiredTokenError !== undefined && auth.guestsMustSignIn;
    const request = {
      ...principal,
      arrivedAt: c.get("pocketwire.arrivedAt"),
      subscriptions: mustSignIn ? [] : await runSubscribeHook(c, keys, principal, clientId),
      lastEventId: lastEventId || undefined,
      credentialEnded: expiredTokenError !== undefined,
    };
    try {
      await registry.setSubscriptions(clientId, request);
    } catch (error) {
      if (!(error instanceof RealtimeError)) throw error;
      if (error.code === "identity_changed" && expiredTokenError !== undefined)
        throw expiredTokenError;
      if (error.code === "unknown_client") {
        throw unknownClientError(context, clientId, error.message);
      }
      throw error;
    }
    return c.body(null, 204);
  };
}
