"use client";

/**
 * Hooks for React 18 and 19 that use a client of `pocketwire/client`. React is a peer dependency.
 *
 * @example
 * ```tsx
 * const realtime = connect("https://rt.example"); // Outside of components: one client for the whole page.
 *
 * function Room({ room }: { room: string }) {
 *   const [texts, setTexts] = useState<string[]>([]);
 *   useSubscription(realtime, `chat/${room}`, ({ data }) => setTexts((texts) => [...texts, String(data)]));
 *   const presence = usePresence(realtime, `chat/${room}`);
 *   return <p>{presence?.count} members: {texts.join(", ")}</p>;
 * }
 * ```
 */
import { useCallback, useEffect, useRef, useState, useSyncExternalStore } from "react";
import type {
  Message,
  PayloadOf,
  Presence,
  Realtime,
  Status,
  SubscribeOptions,
} from "./client/types.ts";

/** A topic, or `undefined` or `null` for no subscription. */
type Maybe<Topic> = Topic | null | undefined;

/**
 * Subscribes while the component is mounted. A change of the topic or of the options begins a new subscription.
 *
 * @param topic `undefined` or `null`: there is no subscription.
 * @param onMessage May be a new function in each render. The hook calls the newest one.
 * @param options Compared by value.
 */
export function useSubscription<Events, Topic extends string>(
  realtime: Realtime<Events>,
  topic: Maybe<Topic>,
  onMessage: (message: Message<PayloadOf<Events, Topic>>) => void,
  { presence, ...options }: SubscribeOptions = {},
): void {
  const newest = useRef({ onMessage, presence });
  useEffect(() => {
    newest.current = { onMessage, presence };
  });
  const text = JSON.stringify(options);
  const hasPresence = presence !== undefined;
  useEffect(() => {
    if (topic === null || topic === undefined) return;
    return realtime.subscribe(topic, (message) => newest.current.onMessage(message), {
      ...(JSON.parse(text) as SubscribeOptions),
      ...(hasPresence && { presence: (members) => newest.current.presence?.(members) }),
    });
  }, [realtime, topic, text, hasPresence]);
}

/** Returns the members of a topic, or `undefined` until the members are known. */
export function usePresence<Events>(
  realtime: Realtime<Events>,
  topic: Maybe<string>,
): Presence | undefined {
  const [seen, setSeen] = useState<{ of: unknown; topic: string; presence: Presence }>();
  useEffect(() => {
    if (topic === null || topic === undefined) return;
    return realtime.presence(topic, (presence) => setSeen({ of: realtime, topic, presence }));
  }, [realtime, topic]);
  return seen?.of === realtime && seen.topic === topic ? seen.presence : undefined;
}

/** Returns the state of the stream. */
export function useStatus<Events>(realtime: Realtime<Events>): Status {
  const listen = useCallback((onChange: () => void) => realtime.on("status", onChange), [realtime]);
  return useSyncExternalStore(
    listen,
    () => realtime.status,
    () => "idle",
  );
}
