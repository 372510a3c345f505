import type { HistoryPage, HistoryRequest } from "../../log/history.ts";
import type { PublishReceipt } from "../../log/log.ts";
import { type FieldErrors, RealtimeError, type RealtimeErrorCode } from "../../realtime/errors.ts";
import {
  CLOSE_REASONS,
  type ClientInfo,
  type CloseReason,
  MAX_IDENTITY,
  type Message,
  type Principal,
  type Revocation,
  type SubscribeRequest,
} from "../../realtime/types.ts";
import type { StreamIdentity } from "../connect.ts";
import type { ClientPage, PageRequest, RegistryStats, TopicPage } from "../registry.ts";

/**
 * What the Worker and its hubs say to each other. Errors cross as data: an RPC keeps only their message.
 */
export type RpcResult<T> =
  | { readonly ok: true; readonly value: T }
  | {
      readonly ok: false;
      readonly code: RealtimeErrorCode;
      readonly message: string;
      readonly fields: FieldErrors;
    };

/** What a hub answers over RPC; a stream is opened by `fetch` with an upgrade. */
export interface HubRPC {
  setSubscriptions(clientId: string, request: SubscribeRequest): Promise<RpcResult<null>>;
  publish(
    messages: readonly Message[],
    publisher?: Principal,
  ): Promise<RpcResult<readonly PublishReceipt[]>>;
  history(request: HistoryRequest, reader?: Principal): Promise<RpcResult<HistoryPage>>;
  send(clientId: string, event: string, data: unknown): Promise<RpcResult<boolean>>;
  clients(page: PageRequest): Promise<RpcResult<ClientPage>>;
  client(clientId: string): Promise<RpcResult<ClientInfo | undefined>>;
  topics(page: PageRequest): Promise<RpcResult<TopicPage>>;
  disconnect(clientId: string): Promise<RpcResult<boolean>>;
  revoke(revocation: Revocation): Promise<RpcResult<number>>;
  stats(): Promise<RpcResult<RegistryStats>>;
}

/**
 * The header that says who connects, a `ConnectRequest`, and in the answer who it is now, a `HubOrigin`: JSON in a
 * URI component. Only a binding reaches a hub.
 */
export const CONNECT_HEADER = "X-Pocketwire-Connect";

/** What a hub tells of a client that it has taken in. */
export interface HubStreamIdentity extends StreamIdentity {
  /** Clients of the hub, this one included. */
  readonly clients?: number | undefined;
}

/** The status of an upgrade that the hub refuses on purpose: the body is a `HubAnswer` that is not `ok`. */
export const REFUSED_STATUS = 409;

/** What the hub answers without waking: the Worker asks with each ping whether it is still there. */
export const LIVENESS_PING = { request: "ping", response: "pong" };

/**
 * The hub sends it behind a page of a replay, and the Worker sends it back when the client has taken that: the hub
 * can't see what waits in the Worker.
 */
export const PAGE_ACK = "taken";

/** `CONNECT_HEADER`'s value. */
export function toHeader(value: object): string {
  return encodeURIComponent(JSON.stringify(value));
}

/** What `toHeader` wrote. */
export function fromHeader<T>(header: string): T {
  return JSON.parse(decodeURIComponent(header)) as T;
}

/** A socket's attachment has room for 16 KiB; an identity that did not fit would be lost in the hub's sleep. */
export function assertIdentityFits(identity: string | undefined): void {
  if (identity === undefined || identity.length <= MAX_IDENTITY) return;
  throw new RealtimeError(
    "invalid_input",
    `An identity may have ${MAX_IDENTITY} characters, this one has ${identity.length}.`,
  );
}

/** Runs one call in a hub: what it throws on purpose becomes data, the rest stays an exception. */
export async function toRpcResult<T>(run: () => T | Promise<T>): Promise<RpcResult<T>> {
  try {
    return { ok: true, value: await run() };
  } catch (error) {
    if (!(error instanceof RealtimeError)) throw error;
    const { code, message, fields } = error;
    return { ok: false, code, message, fields };
  }
}

/** The value, or the error thrown again. */
export function fromRpcResult<T>(answered: RpcResult<T>): T {
  if (answered.ok) return answered.value;
  throw new RealtimeError(answered.code, answered.message, { fields: answered.fields });
}

/** A socket's close reason as ours; `otherwise` when it ended without one, as when its other side died. */
export function toCloseReason(text: string, otherwise: CloseReason): CloseReason {
  return CLOSE_REASONS.find((reason) => reason === text) ?? otherwise;
}
