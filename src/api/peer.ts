import type { Context } from "hono";
import { MAX_IDENTITY, type Peer } from "../realtime/types.ts";

/**
 * Who sends a request, by the embedding app's own lights: an id of the user, of at most 1,024 characters, or
 * undefined for a guest.
 * Throw Hono's HTTPException to refuse the request.
 */
export type Authenticate = (c: Context) => string | undefined | Promise<string | undefined>;

/** What only the runtime can tell or do about a request. Each entry (node.ts, bun.ts) brings its own. */
export interface Runtime {
  /** The peer's network address. Default: unknown, and the same-address check is off. */
  readonly clientAddress?: (c: Context) => string | undefined;
  /** Cuts the connection although its client does not read. Default: the stream is cancelled, no more. */
  readonly abort?: (c: Context) => void;
  /** The request's HTTP version, "1.0" | "1.1" | "2.0" ... Default "1.1". */
  readonly httpVersion?: (c: Context) => string;
}

export type IdentifyPeer = (c: Context) => Promise<Peer>;

/** Address and identity of a request, from the runtime and the embedding app. */
export function createIdentifyPeer(
  runtime: Runtime,
  authenticate: Authenticate | undefined,
): IdentifyPeer {
  return async (c) => {
    const identity = await authenticate?.(c);
    if (identity !== undefined && identity.length > MAX_IDENTITY) {
      throw new Error(
        `authenticate answered an identity of ${identity.length} characters; at most ${MAX_IDENTITY} can be kept.`,
      );
    }
    return { ip: runtime.clientAddress?.(c), identity };
  };
}
