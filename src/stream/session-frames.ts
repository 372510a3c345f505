/** The frames that a session writes itself: handshake, ping and final frame. */
import { formatCursorEvent, formatSSEComment, formatSSEMessage } from "../realtime/sse.ts";
import type { CloseReason } from "../realtime/types.ts";
import { formatRetry, RETRY_RANGES, spreadRetry } from "./retry.ts";

const encoder = new TextEncoder();
const PING = formatSSEComment("ping");
const PING_BYTES = encoder.encode(PING);

/**
 * The first frame of a stream. PocketBase's SDKs read the client id from the `id:` field and ignore the data
 * (docs/protocol.md, "Connect"). The client id contains the cursor where the stream begins, so a client that reconnects with
 * it as `Last-Event-ID` resumes there.
 */
export function handshakeFrame(clientId: string): Uint8Array {
  return encoder.encode(
    formatSSEMessage({ event: "PB_CONNECT", data: { clientId }, id: clientId }),
  );
}

/**
 * The keep-alive: a comment, and an event where one is needed. The cursor needs an event, because a reader may ignore an
 * `id:` without data.
 *
 * @param cursor The client's new cursor. Undefined if the client has it already.
 * @param withEvent Adds an event `ping` (`?ping=event`): scripts in a page can't see comments.
 */
export function pingFrame(cursor: string | undefined, withEvent: boolean): Uint8Array {
  if (cursor === undefined && !withEvent) return PING_BYTES;
  const event = withEvent
    ? formatSSEMessage({ event: "ping", data: {}, id: cursor })
    : formatCursorEvent(cursor);
  return encoder.encode(PING + event);
}

/**
 * The last frame of a stream: `retry:` with the delay after which the client reconnects. Undefined when the client was
 * removed on purpose, so no delay is suggested.
 *
 * @param clients Number of clients that reconnect at the same time.
 */
export function finalFrame(reason: CloseReason, clients: number): Uint8Array | undefined {
  if (reason === "admin" || reason === "expired" || reason === "revoked") return undefined;
  const { lifetime, shutdown } = RETRY_RANGES;
  const range = reason === "lifetime" ? lifetime : spreadRetry(shutdown, clients);
  return encoder.encode(formatRetry(range));
}
