/** The frames that are not messages: handshake, ping and final frame. */
import { formatCursorEvent, formatSSEComment, formatSSEMessage } from "../realtime/sse.ts";
import type { CloseReason } from "../realtime/types.ts";
import { formatRetry, RETRY_RANGES, spreadRetry } from "./retry.ts";

const encoder = new TextEncoder();
const PING = formatSSEComment("ping");
const PING_BYTES = encoder.encode(PING);

/**
 * Formats the first frame of a stream. PocketBase's SDKs read the client id from the `id:` field and ignore the data
 * (docs/protocol.md, "Connect"). The client id usually contains the cursor at which the stream begins (`assignClientId`). A
 * client that reconnects with this id as `Last-Event-ID` resumes at this cursor.
 */
export function handshakeFrame(clientId: string): Uint8Array {
  return encoder.encode(
    formatSSEMessage({ event: "PB_CONNECT", data: { clientId }, id: clientId }),
  );
}

/**
 * Formats the keep-alive frame: a comment, followed by an event if there is a new cursor or `withEvent` is set. The cursor
 * needs an event, because a parser may ignore an `id:` without data.
 *
 * @param cursor The client's new cursor. Undefined if the client already has its cursor.
 * @param withEvent Adds an event `ping` (`?ping=event`), because scripts in a page can't see comments.
 */
export function pingFrame(cursor: string | undefined, withEvent: boolean): Uint8Array {
  if (cursor === undefined && !withEvent) return PING_BYTES;
  const event = withEvent
    ? formatSSEMessage({ event: "ping", data: {}, id: cursor })
    : formatCursorEvent(cursor);
  return encoder.encode(PING + event);
}

/**
 * Formats the last frame of a stream: `retry:` with the delay after which the client should reconnect. Undefined for `admin`,
 * `expired` and `revoked`: such a client was disconnected on purpose, and is not asked to reconnect.
 *
 * @param clients Number of clients that reconnect at the same time.
 */
export function finalFrame(reason: CloseReason, clients: number): Uint8Array | undefined {
  if (reason === "admin" || reason === "expired" || reason === "revoked") return undefined;
  const { lifetime, shutdown } = RETRY_RANGES;
  const range = reason === "lifetime" ? lifetime : spreadRetry(shutdown, clients);
  return encoder.encode(formatRetry(range));
}
