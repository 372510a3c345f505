import { type KeyCost, NO_KEYS } from "../access/capacity.ts";
import type { ExpiringClient } from "../access/credential-expiry.ts";
import type { Recipient } from "../delivery/delivery.ts";
import type { MemberInfo } from "../presence/presence.ts";
import { type Viewer, viewerOf } from "../records/viewer.ts";
import type { ReplayClient } from "../replay/replay-host.ts";
import type { ClientInfo, FrameSink, Principal, StreamOptions } from "../types.ts";

/** A connected client. The object is mutable, so code outside the core gets only copies (`describeClient`). */
export interface Client extends ReplayClient, Recipient, ExpiringClient {
  replay: ReplayClient["replay"];
  readonly ip: string | undefined;
  /** `StreamOptions.envelope`. */
  readonly envelope: boolean;
  identity: string | undefined;
  /** `Principal.info`. */
  info: MemberInfo | undefined;
  rights: readonly string[];
  expiresAt: number | undefined;
  closesAt: number | undefined;
  /** `Principal.keepsIdentity`. */
  keepsIdentity: boolean;
  /** What rules and hidden fields depend on. */
  viewer: Viewer;
  /** The greatest `SubscribeRequest.arrivedAt` of the requests that were applied. 0 before the first such request. */
  subscribedAt: number;
  /** Milliseconds since 1970. */
  readonly connectedAt: number;
  /** Milliseconds since 1970. */
  lastActivityAt: number;
  hasOneKey: boolean;
  /** The cost of the client's subscription keys, as counted against the limits. */
  keyCost: KeyCost;
}

/** Creates a client without subscriptions. */
export function createClient(
  clientId: string,
  sink: FrameSink,
  principal: Principal & StreamOptions,
  connectedAt: number,
): Client {
  const { ip, identity, info, rights = [], expiresAt, envelope = false } = principal;
  const { keepsIdentity = false } = principal;
  // One literal with all properties, because every delivery reads from this object: in V8, an object that is created by
  // spreading is slower to read.
  return {
    clientId,
    sink,
    ip,
    envelope,
    identity,
    info,
    rights,
    keepsIdentity,
    viewer: viewerOf(principal),
    expiresAt,
    closesAt: undefined,
    subscribedAt: 0,
    connectedAt,
    lastActivityAt: connectedAt,
    start: undefined,
    replay: undefined,
    awaitingDrain: false,
    lastDelivery: 0,
    hasOneKey: false,
    keyCost: NO_KEYS,
  };
}

/**
 * Returns a copy of the properties that code outside the core may read. The user's record is not among them, because it may
 * have personal data.
 */
export function describeClient(client: Client, subscriptions: readonly string[]): ClientInfo {
  return {
    clientId: client.clientId,
    ip: client.ip,
    identity: client.identity,
    rights: client.rights,
    expiresAt: client.expiresAt,
    subscriptions,
    connectedAt: client.connectedAt,
    lastActivityAt: client.lastActivityAt,
    bufferedBytes: client.sink.bufferedBytes,
  };
}

/**
 * Gives a client the identity, info, rights, auth record and administrator status of a request, and the expiry time of its
 * credential. A stream that was to be closed because its credential had expired stays open.
 */
export function identifyClient(client: Client, principal: Principal): void {
  const { identity, info, rights = [], expiresAt, keepsIdentity = false } = principal;
  client.identity = identity;
  client.info = info;
  client.keepsIdentity = keepsIdentity;
  client.rights = rights;
  client.viewer = viewerOf(principal);
  client.expiresAt = expiresAt;
  client.closesAt = undefined;
}
