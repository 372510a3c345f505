import type { Context } from "hono";
import * as z from "zod/mini";
import type { PublishInput } from "../realtime/message.ts";
import type { CloseReason, MaybePromise } from "../realtime/types.ts";
import { type KeyLimits, keysSchema } from "./schemas/subscription-keys.ts";
import { validate } from "./schemas/validate.ts";

/** Who it is about, as far as it is known. */
export interface HookSubject {
  readonly ip: string | undefined;
  /** The `sub` of their token, or what `authenticate` said; undefined for a guest. */
  readonly identity: string | undefined;
}

export interface ConnectHookEvent extends HookSubject {
  readonly clientId: string;
  /** Subscription keys that it connects with (`?topic=`). */
  readonly subscriptions: readonly string[];
}

export interface SubscribeHookEvent extends HookSubject {
  /** Undefined for the keys that a client connects with, and for a history. */
  readonly clientId: string | undefined;
  readonly subscriptions: readonly string[];
}

export interface PublishHookEvent extends HookSubject {
  readonly isAdmin: boolean;
  /** It is valid. */
  readonly message: PublishInput;
}

export interface DisconnectHookEvent {
  readonly clientId: string;
  readonly reason: CloseReason;
}

/**
 * An embedding app's say in what comes by HTTP, on every adapter: they run where the request is served. To refuse, throw a
 * `RealtimeError` (`not_allowed` is 403) or Hono's `HTTPException`. With 429, 502, 503 or 504 a stream is asked to come back.
 *
 * As PocketBase's OnRealtimeConnectRequest, OnRealtimeSubscribeRequest and OnRealtimeMessageSend (core/app.go), but for one
 * thing: `onMessage` runs once for a message when it is published, not once for each client, since a frame is made once
 * for all. What the app publishes itself (`publish`, `sendEvent`) goes past it.
 */
export interface Hooks {
  /** Before anything is written to the client. May refuse. */
  readonly onConnect?: (event: ConnectHookEvent, c: Context) => MaybePromise<void>;
  /**
   * May refuse, or return other keys, which are checked as any. Rights are checked before, for those that were asked for.
   * Also for the topics of a history that is read.
   */
  readonly onSubscribe?: (
    event: SubscribeHookEvent,
    c: Context,
    // biome-ignore lint/suspicious/noConfusingVoidType: a hook that only looks returns nothing
  ) => MaybePromise<readonly string[] | void>;
  /** May refuse, and so the whole batch, or return another message, which is checked again. It runs after the right to publish was checked. */
  readonly onMessage?: (
    event: PublishHookEvent,
    c: Context,
    // biome-ignore lint/suspicious/noConfusingVoidType: a hook that only looks returns nothing
  ) => MaybePromise<PublishInput | void>;
  /** The stream has ended, for whatever reason. What it throws is logged. */
  readonly onDisconnect?: (event: DisconnectHookEvent) => MaybePromise<void>;
}

/** Asks the app about keys. @returns those that count. */
export type SubscribeHook = (
  c: Context,
  keys: readonly string[],
  peer: Partial<HookSubject>,
  clientId?: string,
) => Promise<readonly string[]>;

/** @throws RealtimeError `invalid_input` when the app returns keys that nobody could have sent. */
export function createSubscribeHook({ onSubscribe }: Hooks, limits: KeyLimits): SubscribeHook {
  const schema = z.object({ subscriptions: keysSchema(limits) });
  return async (c, subscriptions, { ip, identity }, clientId) => {
    if (onSubscribe === undefined) return subscriptions;
    const event = { clientId, ip, identity, subscriptions };
    const changed = await runHook("onSubscribe", () => onSubscribe(event, c));
    return changed === undefined
      ? subscriptions
      : validate(schema, { subscriptions: changed }).subscriptions;
  };
}

/** Runs a hook. Hono lets what is no Error through to the server, which would say something else. */
export async function runHook<T>(name: keyof Hooks, hook: () => MaybePromise<T>): Promise<T> {
  try {
    return await hook();
  } catch (cause) {
    if (cause instanceof Error) throw cause;
    throw new Error(`${name} threw something that is no Error: ${String(cause)}`, { cause });
  }
}
