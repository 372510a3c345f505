import { EventSource } from "eventsource";
import { Rebuilt } from "../suites/presence-model/watcher.ts";
import { trackClient } from "./clients.ts";
import { pause } from "./deadline.ts";
import type { Random } from "./random.ts";
import { bearer, inSeconds, tokenFor } from "./tokens.ts";

const ROOM = "room/1";
const PRESENCE = `$presence/${ROOM}`;

/** Variables of a service in which a crowd moves. */
export const CROWD_TOPICS = '[{"match":"room/*","presence":true}]';

/** Signed-in users who come and go at random, and a subscriber of the members. */
export interface Crowd {
  /** The ids of the users with an open stream, sorted. */
  here(): string[];
  /** The ids of the members as the subscriber has rebuilt them from its events, sorted. */
  seen(): string[];
  /** Number of events that the subscriber has received. */
  events(): number;
  /** Ends the coming and going. The streams that are open stay open. */
  stop(): Promise<void>;
}

/**
 * Starts a crowd.
 *
 * @param size Number of users. Each has one stream at most.
 */
export async function startCrowd(url: string, size: number, random: Random): Promise<Crowd> {
  const open = new Map<string, EventSource>();
  const watched = await watch(url);
  let isMoving = true;
  const move = async () => {
    while (isMoving) {
      const id = `user ${random.between(1, size)}`;
      const stream = open.get(id);
      if (stream === undefined) {
        open.set(id, await openStream(url, id, { subscribe: ["room/*"] }, ROOM));
      } else {
        open.delete(id);
        stream.close();
      }
      await pause(random.between(50, 400));
    }
  };
  const moving = move();
  return {
    here: () => [...open.keys()].toSorted(),
    seen: () => [...watched.rebuilt.members.keys()].toSorted(),
    events: watched.events,
    stop: async () => {
      isMoving = false;
      await moving;
    },
  };
}

async function watch(url: string) {
  const rebuilt = new Rebuilt();
  let events = 0;
  const source = await openStream(url, "watcher", { subscribe: [PRESENCE] }, PRESENCE);
  source.addEventListener(PRESENCE, ({ data }) => {
    rebuilt.apply(JSON.parse(data));
    events += 1;
  });
  return { rebuilt, events: () => events };
}

async function openStream(
  url: string,
  id: string,
  rights: { readonly subscribe: readonly string[] },
  topic: string,
): Promise<EventSource> {
  const { Authorization } = bearer(await tokenFor(id, rights, { exp: inSeconds(3600) }));
  const query = `topic=${encodeURIComponent(topic)}`;
  const source = new EventSource(`${url}/api/realtime?${query}`, {
    fetch: (input, init) => fetch(input, { ...init, headers: { ...init.headers, Authorization } }),
  });
  trackClient(() => source.close());
  return source;
}
