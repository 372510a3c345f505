import { NO_KEYS } from "../access/capacity.ts";
import type { ExpiringClient } from "../access/credential-expiry.ts";
import { networkOf } from "../access/ip-address.ts";
import { compileRights, type Rights } from "../access/rights.ts";
import type { Recipient } from "../delivery/delivery.ts";
import { RealtimeError } from "../errors.ts";
import type { ReplayClient } from "../replay/coordinator.ts";
import { isFieldText } from "../sse.ts";
import { topicOf } from "../subscriptions/subscription-key.ts";
import type { ClientInfo, FrameSink, KeyCost, Principal, SubscribeRequest } from "../types.ts";

/** A connected client: live, and never handed out. */
export interface Client extends ReplayClient, Recipient, ExpiringClient {
  replay: ReplayClient["replay"];
  readonly ip: string | undefined;
  identity: string | undefined;
  rights: readonly string[];
  expiresAt: number | undefined;
  closesAt: number | undefined;
  /** `SubscribeRequest.arrivedAt` of the request that set the subscriptions; 0 until one has. */
  subscribedAt: number;
  /** Milliseconds since 1970, as the next. */
  readonly connectedAt: number;
  lastActivityAt: number;
  /** What its keys count for. */
  keyCost: KeyCost;
}

export function createClient(
  clientId: string,
  sink: FrameSink,
  { ip, identity, rights = [], expiresAt }: Principal,
  connectedAt: number,
): Client {
  // One plain literal: an object made of spread ones is a slow one in V8, and every delivery looks at it.
  return {
    clientId,
    sink,
    ip,
    identity,
    rights,
    expiresAt,
    closesAt: undefined,
    subscribedAt: 0,
    connectedAt,
    lastActivityAt: connectedAt,
    start: undefined,
    replay: undefined,
    awaitingDrain: false,
    lastDelivery: 0,
    keyCost: NO_KEYS,
  };
}

export function describeClient(client: Client, subscriptions: readonly string[]): ClientInfo {
  const { clientId, ip, identity, rights, expiresAt, connectedAt, lastActivityAt, sink } = client;
  const { bufferedBytes } = sink;
  return {
    ...{ clientId, ip, identity, rights, expiresAt, subscriptions },
    ...{ connectedAt, lastActivityAt, bufferedBytes },
  };
}

/** Topics that the rights of one client may cover of its keys, all counted. */
const MAX_COVERED = 10_000;

/**
 * What a client's keys will take. Repeats and empty strings count for nothing.
 *
 * @throws RealtimeError `invalid_input` when keys and rights meet in too many topics: a key that reaches everything has one
 *   for each right.
 */
export function costOfKeys(
  subscriptions: readonly string[],
  rights: readonly string[] = [],
): KeyCost {
  const compiled = compileRights(rights);
  let keys = 0;
  let covered = 0;
  let characters = 0;
  for (const key of new Set(subscriptions)) {
    if (key === "") continue;
    keys += 1;
    characters += key.length;
    if (rights.length > 0) covered += compiled.coveredTopics(topicOf(key)).length;
    if (covered > MAX_COVERED) {
      throw new RealtimeError(
        "invalid_input",
        `These subscriptions and rights meet in more than ${MAX_COVERED} topics. Subscribe to fewer or narrower ones.`,
      );
    }
  }
  return { keys: keys + covered, characters };
}

/** The rights that it would have and has not; undefined when there are none. */
export function gainedRights(client: Client, { rights = [] }: Principal): Rights | undefined {
  const held = compileRights(client.rights);
  const gained = rights.filter((right) => !held.covers(right));
  return gained.length === 0 ? undefined : compileRights(gained);
}

/** Whether a key reaches anything of what the rights cover. */
export function reaches(key: string, rights: Rights | undefined): boolean {
  return rights !== undefined && rights.coveredTopics(topicOf(key)).length > 0;
}

/**
 * Whether a newer request has set the client's subscriptions already. Requests of one client can be applied in another
 * order than they arrived in, since each waits for its own body, token issuer and hooks.
 */
export function isSuperseded(client: Client, { arrivedAt }: SubscribeRequest): boolean {
  return arrivedAt !== undefined && arrivedAt < client.subscribedAt;
}

/** Makes a client who its peer is now. */
export function identifyClient(
  client: Client,
  { identity, rights = [], expiresAt }: Principal,
): void {
  client.identity = identity;
  client.rights = rights;
  client.expiresAt = expiresAt;
  client.closesAt = undefined;
}

/**
 * Whether the sender of a request may set the subscriptions of a client.
 *
 * Checks in PocketBase's order (apis/realtime.go, `realtimeSetSubscriptions`): the client exists, the address is
 * the stream's, the identity is the client's or the first it has. The identity of a superseded request is not checked:
 * a guest's request may have been overtaken by the one that signs in, and it changes nothing.
 *
 * @param onAddressMismatch Called before the request from another network is refused. Without it the address is not checked.
 * @throws RealtimeError `unknown_client`, `ip_mismatch` or `identity_changed`, and before those `invalid_input` for
 *   a key with a line break or NUL.
 */
export function checkSubscriber(
  client: Client | undefined,
  request: SubscribeRequest,
  onAddressMismatch: ((addresses: AddressMismatch) => void) | undefined,
): asserts client is Client {
  const { subscriptions, ip, identity } = request;
  // A key that can't be an event name would fail at delivery, and take other clients' messages with it.
  const unwritable = subscriptions.findIndex((key) => !isFieldText(key));
  if (unwritable !== -1) {
    throw new RealtimeError(
      "invalid_input",
      `Subscription ${unwritable} must not contain a line break or NUL.`,
    );
  }
  if (client === undefined) {
    throw new RealtimeError("unknown_client", "Missing or invalid client id.");
  }
  if (onAddressMismatch !== undefined && client.ip !== undefined && !isSameNetwork(client.ip, ip)) {
    onAddressMismatch({ streamAddress: client.ip, requestAddress: ip });
    throw new RealtimeError("ip_mismatch", "Invalid realtime client.");
  }
  if (isSuperseded(client, request)) return;
  if (client.identity !== undefined && client.identity !== identity) {
    throw new RealtimeError(
      "identity_changed",
      "The current and the previous request authorization don't match.",
    );
  }
}

/** The addresses of a stream and of a request that was to set its subscriptions from another network. */
export interface AddressMismatch {
  readonly streamAddress: string;
  readonly requestAddress: string | undefined;
}

/** A device changes its address within its IPv6 network by itself (RFC 8981), and one address can be written in many ways. */
function isSameNetwork(ip: string, other: string | undefined): boolean {
  return other !== undefined && (ip === other || networkOf(ip) === networkOf(other));
}
