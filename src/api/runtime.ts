import type { Context } from "hono";
import type { SSEStreamingApi } from "hono/streaming";
import { normalizeAddress } from "../realtime/access/ip-address.ts";
import type { SinkRuntime } from "../stream/hono-sink.ts";
import type { OutgoingSink, SinkListener } from "../stream/sink.ts";
import type { Metric } from "./metrics-text.ts";

/** A sink that a runtime has opened in place of the portable sink (stream/hono-sink.ts). */
export interface OpenedSink {
  readonly sink: OutgoingSink;
  /** The response's body, where it is not that of Hono's stream. */
  readonly body?: ReadableStream;
  /** Headers of the response besides those of every stream. */
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * What a runtime knows about a request, and how it writes to a client. Each member is optional: without any, the service runs
 * on every runtime that runs Hono. `nodeRuntime`, `bunRuntime` and `workerRuntime` are ready to use.
 */
export interface Runtime extends SinkRuntime {
  /**
   * The network address of the connection. Default: unknown. The limits and checks by address are then off, unless
   * `trustedProxyHeader` gives the address.
   */
  readonly clientAddress?: (c: Context) => string | undefined;
  /**
   * Returns an instruction for the author of the app: what the app must pass with the request so that the address is known.
   * Undefined when nothing is missing. The service logs the instruction once.
   */
  readonly missing?: (c: Context) => string | undefined;
  /**
   * Opens a sink that bypasses Hono's stream, so that a write costs less. If this member is missing or returns undefined, the
   * service uses Hono's stream, which works on every runtime, and `getRealtime` uses the sink of `workerRuntime`.
   */
  readonly openSink?: (
    c: Context,
    stream: SSEStreamingApi,
    listener: SinkListener,
  ) => OpenedSink | undefined;
  /**
   * Runs a function in the next turn of the event loop. The service uses it to spread many requests that arrive in one turn
   * over several turns (middleware/request-queue.ts). Default: the service handles all of these requests in one turn.
   */
  readonly nextTurn?: (run: () => void) => void;
  /**
   * Whether one process serves all requests and learns of each client that disconnects. If so, all streams share one timer.
   * Default false.
   */
  readonly isOneProcess?: boolean;
  /** Whether code in front of Hono has read the request's body. Default: `Request.bodyUsed` decides. */
  readonly isBodyRead?: (c: Context) => boolean;
  /** Connections refused so far because the process reached its limit of open files. Default 0. */
  readonly connectionsRefused?: () => number;
  /** The version of the runtime, for the metrics: `20.20.2`. Default: unknown. */
  readonly version?: string;
  /**
   * Reads the metrics of the process: memory, CPU time, the event loop. Called for each `GET /metrics`. Measurements that need
   * a timer begin with the first call. Default: the metrics have none of these.
   */
  readonly processMetrics?: () => readonly Metric[];
  /** The request's HTTP version: "1.0", "1.1", "2.0". Default "1.1". */
  readonly httpVersion?: (c: Context) => string;
}

/** Whether a request asks the server to close the connection after the response (RFC 9112, section 9.6). */
export function asksToClose(headers: Headers): boolean {
  const options = headers.get("Connection")?.split(",") ?? [];
  return options.some((option) => option.trim().toLowerCase() === "close");
}

/**
 * The client's address, in canonical form. In a header that proxies append to (X-Forwarded-For) the last item counts: the
 * client may have written the items before it. If the header is missing, or its last item is not an IP address, the address of
 * the connection counts.
 *
 * @param trustedHeader A header that the proxy sets for every request. Without such a proxy, clients could forge it.
 */
export function addressOf(
  c: Context,
  { clientAddress }: Runtime,
  trustedHeader: string | undefined,
): string | undefined {
  const header = (trustedHeader === undefined ? undefined : c.req.header(trustedHeader)) ?? "";
  const address = normalizeAddress(header.slice(header.lastIndexOf(",") + 1).trim());
  if (address !== undefined) return address;
  const peer = clientAddress?.(c);
  return peer && (normalizeAddress(peer) ?? peer);
}
