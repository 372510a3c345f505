import type { Handler } from "hono";
import * as z from "zod/mini";
import { RealtimeError } from "../../realtime/errors.ts";
import type { ClientRegistry } from "../../registry/registry.ts";
import type { Auth } from "../auth/auth.ts";
import type { SubscribeHook } from "../hooks.ts";
import type { RequestLimits } from "../limits.ts";
import type { ArrivalEnv } from "../middleware/arrival.ts";
import { readJSONOrForm } from "../middleware/body-limit.ts";
import type { ClientLimits } from "../middleware/client-limits.ts";
import type { RequestQueue } from "../middleware/request-queue.ts";
import { checkQuery } from "../schemas/query.ts";
import {
  eventIdSchema,
  type KeyLimits,
  keysSchema,
  MAX_CLIENT_ID,
  topicsOf,
} from "../schemas/subscription-keys.ts";
import { validate } from "../schemas/validate.ts";
import type { UnknownClient } from "../unknown-client.ts";

/** What a client's subscriptions are set with. */
export function subscribeSchema(limits: KeyLimits) {
  return z.strictObject({
    clientId: z.string().check(z.minLength(1), z.maxLength(MAX_CLIENT_ID)),
    subscriptions: z.nullish(keysSchema(limits)),
    lastEventId: z.nullish(eventIdSchema),
  });
}

export interface SubscribeOptions {
  readonly registry: ClientRegistry;
  readonly auth: Auth;
  readonly limits: RequestLimits;
  readonly askSubscribe: SubscribeHook;
  readonly clientLimits: ClientLimits;
  readonly unknownClient: UnknownClient;
  readonly entrance: RequestQueue;
}

/** `POST /api/realtime`: replaces what a client subscribes to. */
export function subscribe(options: SubscribeOptions): Handler<ArrivalEnv> {
  const { registry, auth, limits, askSubscribe, clientLimits, unknownClient, entrance } = options;
  const schema = subscribeSchema(limits);
  return async (c) => {
    const arrivedAt = c.get("arrivedAt");
    checkQuery(c);
    const body = await readJSONOrForm(c, ["subscriptions"]);
    await entrance.enter();
    const { clientId, subscriptions, lastEventId } = validate(schema, body);
    clientLimits.subscribe(auth.addressOf(c), clientId);
    const keys = subscriptions ?? [];
    const { principal, expiredTokenError } = await auth.authorizeSetSubscriptions(
      c,
      topicsOf(keys),
    );
    // A guest who may do nothing but sign in keeps the stream, without subscriptions.
    const isWaiting = expiredTokenError !== undefined && auth.guestsMustSignIn;
    const counting = isWaiting ? [] : await askSubscribe(c, keys, principal, clientId);
    const request = {
      ...principal,
      arrivedAt,
      subscriptions: counting,
      lastEventId: lastEventId || undefined,
      credentialEnded: expiredTokenError !== undefined,
    };
    try {
      await registry.setSubscriptions(clientId, request);
    } catch (error) {
      if (!(error instanceof RealtimeError)) throw error;
      if (error.code === "identity_changed" && expiredTokenError !== undefined)
        throw expiredTokenError;
      if (error.code === "unknown_client") throw unknownClient(clientId, error.message);
      throw error;
    }
    return c.body(null, 204);
  };
}
