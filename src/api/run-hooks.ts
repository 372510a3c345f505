import type { Context } from "hono";
import type { PublishInput } from "../realtime/message.ts";
import type { MaybePromise, Principal } from "../realtime/types.ts";
import type { AuthenticatedCaller } from "./auth/authenticator.ts";
import type { ServerContext } from "./context.ts";
import type { Hooks } from "./hooks.ts";
import { object } from "./schemas/objects.ts";
import { keysSchema } from "./schemas/subscription-keys.ts";
import { validate } from "./schemas/validate.ts";

/** Runs a hook. A thrown value that is not an `Error` is wrapped, since Hono passes such values on to the runtime's server. */
export async function runHook<T>(name: keyof Hooks, hook: () => MaybePromise<T>): Promise<T> {
  try {
    return await hook();
  } catch (cause) {
    if (cause instanceof Error) throw cause;
    throw new Error(`${name} threw a value that is not an Error: ${String(cause)}`, { cause });
  }
}

/** Runs `onSubscribe` for keys, then asks the backend. Returns the keys to subscribe to. */
export type SubscribeHook = (
  c: Context,
  keys: readonly string[],
  caller: Principal,
  clientId?: string,
) => Promise<readonly string[]>;

/**
 * Makes the function that runs `onSubscribe` and then asks the backend of `callbacks`. Where there is neither, the function returns
 * the keys unchanged. If the backend answers questions about `connect`, a stream may have an identity from an answer. A request for
 * such a stream without a credential counts as sent by this identity.
 *
 * The function throws RealtimeError `invalid_input` when the hook returns keys that break a rule for keys, and the errors of
 * `Asker.subscribe`.
 */
export function createSubscribeHook(context: ServerContext): SubscribeHook {
  const runOwnHook = createOwnHook(context);
  const { asker, registry } = context;
  if (asker === undefined) return runOwnHook;
  return async (c, keys, caller, clientId) => {
    let subject = caller;
    if (caller.identity === undefined && clientId !== undefined && asker.asks("connect")) {
      subject = { ...caller, identity: (await registry.client(clientId))?.identity };
    }
    return asker.subscribe(c, subject, await runOwnHook(c, keys, subject, clientId), clientId);
  };
}

/**
 * Makes the function that runs `onSubscribe`. Without such a hook the function returns the keys unchanged.
 *
 * The function throws RealtimeError `invalid_input` when the hook returns keys that break a rule for keys.
 */
function createOwnHook({ hooks, limits }: ServerContext): SubscribeHook {
  const { onSubscribe } = hooks;
  const schema = object({ subscriptions: keysSchema(limits) });
  return async (c, subscriptions, { ip, identity }, clientId) => {
    if (onSubscribe === undefined) return subscriptions;
    const event = { clientId, ip, identity, subscriptions };
    const changed = await runHook("onSubscribe", () => onSubscribe(event, c));
    return changed === undefined
      ? subscriptions
      : validate(schema, { subscriptions: changed }).subscriptions;
  };
}

/** Runs `onMessage` for each of some valid messages. Returns what to publish; undefined when there is no such hook. */
export async function applyMessageHook(
  { onMessage }: Hooks,
  inputs: readonly PublishInput[],
  { principal: { ip, identity }, isAdmin }: AuthenticatedCaller,
  c: Context,
): Promise<readonly PublishInput[] | undefined> {
  if (onMessage === undefined) return undefined;
  const changed: PublishInput[] = [];
  for (const message of inputs) {
    const event = { ip, identity, isAdmin, message };
    changed.push((await runHook("onMessage", () => onMessage(event, c))) ?? message);
  }
  return changed;
}
