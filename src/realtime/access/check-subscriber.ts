import type { Client } from "../clients/client.ts";
import { RealtimeError } from "../errors.ts";
import { isFieldText } from "../sse.ts";
import type { SubscribeRequest } from "../types.ts";
import { networkOf } from "./ip-address.ts";

/** The addresses of a stream and of a request from another network that tried to set the stream's subscriptions. */
export interface AddressMismatch {
  readonly streamAddress: string;
  readonly requestAddress: string | undefined;
}

/**
 * Checks that a request may set the subscriptions of a client.
 *
 * The checks and their order are PocketBase's (apis/realtime.go, `realtimeSetSubscriptions`): the client exists, the request
 * comes from the network of the stream, and the identity is the client's or the client's first. The identity of a superseded
 * request is not checked: a guest's request that arrives late changes nothing, and must not fail because the client
 * has signed in meanwhile.
 *
 * @param onAddressMismatch Called before a request from another network is refused. Undefined turns the check of addresses off.
 * @throws RealtimeError `invalid_input` for a key with a line break or NUL, then `unknown_client`, `ip_mismatch` or
 *   `identity_changed`.
 */
export function checkSubscriber(
  client: Client | undefined,
  request: SubscribeRequest,
  onAddressMismatch: ((addresses: AddressMismatch) => void) | undefined,
): asserts client is Client {
  const { subscriptions, ip, identity } = request;
  // A key is the event name of its deliveries. Formatting an event with such a name throws, and that would interrupt the
  // delivery of a message to other clients.
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

/**
 * Whether a request that arrived later has already set the client's subscriptions. Requests can be applied in another order
 * than they arrived in, because each waits for its own body, token check and hooks.
 */
export function isSuperseded(client: Client, { arrivedAt }: SubscribeRequest): boolean {
  return arrivedAt !== undefined && arrivedAt < client.subscribedAt;
}

/** Compares networks: a device changes its own address within its IPv6 network (RFC 8981). */
function isSameNetwork(streamAddress: string, requestAddress: string | undefined): boolean {
  if (requestAddress === undefined) return false;
  return streamAddress === requestAddress || networkOf(streamAddress) === networkOf(requestAddress);
}
