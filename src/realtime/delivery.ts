import { formatSSEMessage } from "./sse.ts";
import type { Subscription } from "./subscription-index.ts";
import type { LogEntry } from "./types.ts";

/** A client as far as one delivery goes. */
export interface Recipient {
  /** Set while it is led to the present: what is live is not for it yet. */
  readonly replay: unknown;
  /** Scratch of one delivery: the last of the matching subscriptions that it has. */
  lastMatch: number;
}

const encoder = new TextEncoder();

/**
 * Hands one message to everybody it matches: a frame for each key, encoded once and shared.
 *
 * A client that is to get it again under another key must be able to resume between the two. So all but its
 * last delivery name the place before the message, and the key. Nothing is allocated for a client.
 *
 * @param before Cursor of the message before.
 * @param matched In the order in which each client is to get them.
 */
export function deliverEntry<Client extends Recipient>(
  { cursor, message: { data } }: LogEntry,
  before: string,
  matched: readonly Subscription<Client>[],
  write: (client: Client, frame: Uint8Array) => void,
): void {
  const encode = (event: string, id: string) =>
    encoder.encode(formatSSEMessage({ event, data, id }));
  const [only] = matched;
  if (only === undefined) return;
  if (matched.length === 1) {
    // The usual case, and each look at a client costs when there are many.
    let frame: Uint8Array | undefined;
    for (const client of only.clients) {
      if (client.replay !== undefined) continue;
      frame ??= encode(only.key, cursor);
      write(client, frame);
    }
    return;
  }
  for (const [index, { clients }] of matched.entries()) {
    for (const client of clients) client.lastMatch = index;
  }
  for (const [index, { key, mark, clients }] of matched.entries()) {
    // Each is made when somebody needs it.
    let last: Uint8Array | undefined;
    let other: Uint8Array | undefined;
    for (const client of clients) {
      if (client.replay !== undefined) continue;
      if (client.lastMatch === index) {
        last ??= encode(key, cursor);
        write(client, last);
      } else {
        other ??= encode(key, `${before}~${mark}`);
        write(client, other);
      }
    }
  }
}
