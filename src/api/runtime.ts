import type { Context } from "hono";
import type { SSEStreamingApi } from "hono/streaming";
import { normalizeAddress } from "../realtime/access/ip-address.ts";
import type { SinkRuntime } from "../stream/hono-sink.ts";
import type { OutgoingSink, SinkListener } from "../stream/sink.ts";

/** A sink beneath a stream of Hono's. */
export interface OpenedSink {
  readonly sink: OutgoingSink;
  /** The response's body, where that is not the stream's own. */
  readonly body?: ReadableStream;
  /** The response gets these headers besides those of every stream. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** What only the runtime can tell or do about a request. Each entry (node.ts, bun.ts) brings its own. */
export interface Runtime extends SinkRuntime {
  /** The peer's network address. Default: unknown, and the same-address check is off. */
  readonly clientAddress?: (c: Context) => string | undefined;
  /** What the app that calls this one did not pass with the request, as an instruction. It is logged once. */
  readonly missing?: (c: Context) => string | undefined;
  /** The cheapest way to a client beneath a stream of Hono's. Default: through it, which works everywhere. */
  readonly openSink?: (
    c: Context,
    stream: SSEStreamingApi,
    owner: SinkListener,
  ) => OpenedSink | undefined;
  /** Runs a function in the next turn of the event loop, after what has arrived by then. Default: streams that are opened and subscriptions that are set together share one turn. */
  readonly nextTurn?: (run: () => void) => void;
  /** Requests live in one process and may share a timer, and whoever leaves is always seen to. Default false. */
  readonly isOneProcess?: boolean;
  /** Whether other code has read the request's body already, past Hono. Default: what `Request.bodyUsed` says. */
  readonly isBodyRead?: (c: Context) => boolean;
  /** How many connections were refused so far because the process may have no more files open. Default 0. */
  readonly connectionsRefused?: () => number;
  /** The request's HTTP version, "1.0" | "1.1" | "2.0" ... Default "1.1". */
  readonly httpVersion?: (c: Context) => string;
}

/** Whether a request asks that its connection is closed behind the response (RFC 9112, section 9.6). */
export function asksToClose(headers: Headers): boolean {
  const options = headers.get("Connection")?.split(",") ?? [];
  return options.some((option) => option.trim().toLowerCase() === "close");
}

/**
 * Where a request comes from, in canonical form. Of a header that a proxy adds to (X-Forwarded-For) the last address
 * counts: the client may have written what stands before it. A header whose last item is not an address is ignored.
 *
 * @param trustedHeader Set by a proxy that every request comes through; without one anybody could say who they are.
 */
export function addressOf(
  c: Context,
  { clientAddress }: Runtime,
  trustedHeader: string | undefined,
): string | undefined {
  const told = trustedHeader === undefined ? undefined : c.req.header(trustedHeader);
  const last = told === undefined ? "" : told.slice(told.lastIndexOf(",") + 1).trim();
  const address = normalizeAddress(last);
  if (address !== undefined) return address;
  const peer = clientAddress?.(c);
  return peer && (normalizeAddress(peer) ?? peer);
}
