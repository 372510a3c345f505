import type { Client } from "../clients/client.ts";
import { RealtimeError } from "../errors.ts";
import { isFieldText } from "../sse.ts";
import type { SubscribeRequest } from "../types.ts";
import { networkOf } from "./ip-address.ts";

/** The address of a stream, and the address of a request from another network to set the stream's subscriptions. */
export interface AddressMismatch {
  readonly streamAddress: string;
  readonly requestAddress: string | undefined;
}

/**
 * Checks that a request may set the subscriptions of a client.
 *
 * After the check of the keys, the checks and their order are those of PocketBase (apis/realtime.go,
 * `realtimeSetSubscriptions`), but with networks in place of single addresses: the client exists, the request comes from the
 * network of the stream, and the client has no identity yet or the identity of the request.
 *
 * The identity of a superseded request is not checked. Example: a guest's request is delayed, and the client has signed in
 * since. The request changes nothing, so it must not fail.
 *
 * @param onAddressMismatch Called before a request from another network is refused. If undefined, networks are not compared.
 * @throws RealtimeError `invalid_input` for a key with a line break or NUL, then `unknown_client`, `ip_mismatch` or
 *   `identity_changed`.
 */
export function checkSubscriber(
  client: Client | undefined,
  request: SubscribeRequest,
  onAddressMismatch: ((addresses: AddressMismatch) => void) | undefined,
): asserts client is Client {
  const { subscriptions, ip, identity } = request;
  // A key becomes the event name of its deliveries. Formatting an event with an invalid name throws, and the exception would
  // interrupt the delivery of the message to other clients.
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
  if (actsForStream(client, request)) return;
  if (client.identity !== undefined && client.identity !== identity) {
    throw new RealtimeError(
      "identity_changed",
      "The current and the previous request authorization don't match.",
    );
  }
}

/** Whether a request counts as sent by the stream's identity: it has no credential, and the stream keeps its identity. */
export function actsForStream(
  { keepsIdentity }: Client,
  { identity, credentialEnded = false }: SubscribeRequest,
): boolean {
  return keepsIdentity && identity === undefined && !credentialEnded;
}

/**
 * Whether a request that arrived later has already set the client's subscriptions. Requests may be applied in another order
 * than the order of their arrival, because each request waits for its own body, token check and hooks.
 */
export function isSuperseded(client: Client, { arrivedAt }: SubscribeRequest): boolean {
  return arrivedAt !== undefined && arrivedAt < client.subscribedAt;
}

/** Compares networks, not addresses: a device changes its own address within its IPv6 network (RFC 8981). */
function isSameNetwork(streamAddress: string, requestAddress: string | undefined): boolean {
  if (requestAddress === undefined) return false;
  return streamAddress === requestAddress || networkOf(streamAddress) === networkOf(requestAddress);
}
