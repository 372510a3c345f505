import type { HistoryPage, HistoryRequest } from "../../log/history.ts";
import type { PublishReceipt } from "../../log/log.ts";
import { RealtimeError } from "../../realtime/errors.ts";
import type { MembersEvent, TopicReport } from "../../realtime/presence/presence.ts";
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
import type {
  ClientPage,
  InfoRequest,
  PageRequest,
  RegistryStats,
  TopicPage,
} from "../registry.ts";
import type { RpcResult } from "../rpc.ts";

/** The methods of `ClientRegistry` that a hub answers by RPC. To open a stream, the Worker calls `fetch` with an upgrade. */
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
  members(topic: string, reader?: Principal): Promise<RpcResult<MembersEvent>>;
  extendInfo(request: InfoRequest): Promise<RpcResult<null>>;
  disconnect(clientId: string): Promise<RpcResult<boolean>>;
  revoke(revocation: Revocation): Promise<RpcResult<number>>;
  erase(topic: string): Promise<RpcResult<number>>;
  stats(): Promise<RpcResult<RegistryStats>>;
  /** `HubPresence.receive`. Called by another hub. */
  reportPresence(
    source: number,
    number: number,
    reports: readonly TopicReport[],
  ): Promise<RpcResult<null>>;
  /** Wakes the hub if it has failed, so that its members leave after the grace. */
  wake(): Promise<RpcResult<null>>;
}

/** The Worker's view of a hub: the stub of its Durable Object. */
export interface HubStub extends HubRPC {
  fetch(url: string, init: { readonly headers: Record<string, string> }): Promise<UpgradeResponse>;
}

/**
 * The Worker's end of a client's socket to its hub: the part of Workers' `WebSocket` that is used. The runtime dispatches no
 * event before `accept`.
 */
export interface HubSocket {
  binaryType: string;
  accept(): void;
  send(data: string): void;
  close(code: number, reason: string): void;
  addEventListener(type: "message", listener: (event: { data: unknown }) => void): void;
  addEventListener(type: "close", listener: (event: { reason: string }) => void): void;
  addEventListener(type: "error", listener: () => void): void;
}

/** The part of a hub's response that the Worker reads. */
export interface UpgradeResponse {
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  /** Null unless the hub accepted the upgrade. */
  readonly webSocket: HubSocket | null;
  json(): Promise<unknown>;
}

/**
 * A header of the upgrade, with URI-encoded JSON. In the request, the header has a `ConnectRequest`. In the response, it has a
 * `HubStreamIdentity`. The hub trusts the header, because only a Worker with the hub's binding can send a request to the hub.
 */
export const CONNECT_HEADER = "X-Pocketwire-Connect";

/** The identity that a hub has assigned to a client. */
export interface HubStreamIdentity extends StreamIdentity {
  /** Number of clients that the hub has, including this client. */
  readonly clients?: number | undefined;
}

/** The status of an upgrade that the hub refused. The body is an `RpcResult` with the error. */
export const REFUSED_STATUS = 409;

/**
 * A message that the Worker sends on a client's socket to check that the socket still reaches the hub. The runtime answers in
 * place of the hub, and does not wake it. No answer means that the hub has failed.
 */
export const LIVENESS_PING = { request: "ping", response: "pong" };

/**
 * A message that the hub sends when a replay pauses, usually after a page. The Worker sends the message back when the client
 * has taken all earlier bytes. Without this answer, the hub would not know when to continue, because the waiting bytes are in
 * the Worker.
 */
export const PAGE_ACK = "page-ack";

/** Encodes a value of `CONNECT_HEADER`. */
export function toHeader(value: object): string {
  return encodeURIComponent(JSON.stringify(value));
}

/**
 * Decodes a value that `toHeader` encoded. The cast is unchecked: the sender is always our own Worker or hub, so the caller
 * knows the type.
 */
export function fromHeader<T>(header: string): T {
  return JSON.parse(decodeURIComponent(header)) as T;
}

/**
 * Checks that an identity fits into a socket's attachment, which has room for 16 KiB. The hub would otherwise lose the
 * identity when it hibernates.
 *
 * @throws RealtimeError `invalid_input` for an identity of more than `MAX_IDENTITY` characters.
 */
export function assertIdentityFits(identity: string | undefined): void {
  if (identity === undefined || identity.length <= MAX_IDENTITY) return;
  throw new RealtimeError(
    "invalid_input",
    `The identity has ${identity.length} characters, and the limit is ${MAX_IDENTITY}. Use a shorter identity.`,
  );
}

/**
 * Parses the close reason of a socket.
 *
 * @param fallback Returned if the text is not a `CloseReason`, for example because the other side crashed.
 */
export function toCloseReason(text: string, fallback: CloseReason): CloseReason {
  return CLOSE_REASONS.find((reason) => reason === text) ?? fallback;
}

/** Closes a socket. Does nothing if the socket is already closed. */
export function closeSocket(
  socket: { close(code: number, reason: string): void },
  reason: string,
): void {
  try {
    socket.close(1000, reason);
  } catch {
    // The socket is already closed.
  }
}
