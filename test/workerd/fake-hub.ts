import { CLOSE_REASONS, type CloseReason } from "../../src/realtime/types.ts";
import {
  CONNECT_HEADER,
  type HubSocket,
  type HubStub,
  toHeader,
} from "../../src/registry/durable-object/protocol.ts";
import type { RegistryStats } from "../../src/registry/registry.ts";

/** A call that fails: before it reaches the hub, or after, with a lost response. */
export type Fault = "request lost" | "answer lost";

/** A hub's stub on which the next calls fail, one for each fault. */
export function unreliable(hub: HubStub, faults: Fault[]): HubStub {
  const over = async <T>(call: () => Promise<T>): Promise<T> => {
    const fault = faults.shift();
    if (fault === "request lost") throw new Error("Network connection lost.");
    const answer = await call();
    if (fault === "answer lost") throw new Error("Network connection lost.");
    return answer;
  };
  return {
    fetch: (...all) => over(() => hub.fetch(...all)),
    setSubscriptions: (...all) => over(() => hub.setSubscriptions(...all)),
    publish: (...all) => over(() => hub.publish(...all)),
    history: (...all) => over(() => hub.history(...all)),
    send: (...all) => over(() => hub.send(...all)),
    clients: (...all) => over(() => hub.clients(...all)),
    client: (...all) => over(() => hub.client(...all)),
    topics: (...all) => over(() => hub.topics(...all)),
    members: (...all) => over(() => hub.members(...all)),
    extendInfo: (...all) => over(() => hub.extendInfo(...all)),
    reportPresence: (...all) => over(() => hub.reportPresence(...all)),
    wake: () => over(() => hub.wake()),
    revoke: (...all) => over(() => hub.revoke(...all)),
    disconnect: (...all) => over(() => hub.disconnect(...all)),
    erase: (...all) => over(() => hub.erase(...all)),
    stats: () => over(() => hub.stats()),
  };
}

const unexpectedCall = (): never => {
  throw new Error("No test asks a fake hub for this.");
};

/** A hub with the given results. */
export function fakeHub(answers: Partial<HubStub>): HubStub {
  return {
    fetch: unexpectedCall,
    setSubscriptions: unexpectedCall,
    publish: unexpectedCall,
    history: unexpectedCall,
    send: unexpectedCall,
    clients: unexpectedCall,
    client: unexpectedCall,
    topics: unexpectedCall,
    members: unexpectedCall,
    extendInfo: unexpectedCall,
    reportPresence: unexpectedCall,
    wake: unexpectedCall,
    revoke: unexpectedCall,
    disconnect: unexpectedCall,
    erase: unexpectedCall,
    stats: unexpectedCall,
    ...answers,
  };
}

interface Counts extends Partial<Omit<RegistryStats, "disconnects">> {
  readonly disconnects?: Partial<Record<CloseReason, number>> | undefined;
}

/** A hub's counts. Default: zero. */
export function statsOf(counts: Counts): RegistryStats {
  const disconnects = Object.fromEntries(CLOSE_REASONS.map((reason) => [reason, 0]));
  return {
    clients: 0,
    subscriptions: 0,
    topics: 0,
    keyBudget: { used: 0, limit: 0, characters: 0, charactersLimit: 0, refused: 0 },
    queuedBytes: 0,
    connects: 0,
    history: { messages: 0, bytes: 0 },
    kept: { topics: 0, messages: 0, bytes: 0, evicted: 0 },
    publishLatency: { counts: [], seconds: 0 },
    delivered: 0,
    replayed: 0,
    recovered: 0,
    unrecovered: 0,
    accepted: 0,
    duplicate: 0,
    startedAt: "2026-01-01T00:00:00.000Z",
    ...counts,
    disconnects: { ...disconnects, ...counts.disconnects } as Record<CloseReason, number>,
  };
}

/** A hub's response to an upgrade: the client's id, and its socket. */
export function upgraded(webSocket: HubSocket, clientId = "0-somebody") {
  const headers = new Headers({ [CONNECT_HEADER]: toHeader({ clientId }) });
  return { status: 101, headers, webSocket, json: async () => ({}) };
}

type Listener = (event: { data: unknown; reason: string }) => void;

/** The Worker's end of a socket to a hub that a test simulates. */
export class FakeSocket implements HubSocket {
  binaryType = "blob";
  readonly sent: string[] = [];
  readonly closings: [code: number, reason: string][] = [];
  isAccepted = false;
  readonly #listeners: Record<string, Listener[]> = { message: [], close: [], error: [] };

  accept(): void {
    this.isAccepted = true;
  }

  send(data: string): void {
    if (!this.isAccepted) throw new TypeError("accept() comes first.");
    if (this.closings.length > 0) throw new TypeError("Can't send() after close().");
    this.sent.push(data);
  }

  close(code: number, reason: string): void {
    this.closings.push([code, reason]);
  }

  addEventListener(type: string, listener: (event: never) => void): void {
    this.#listeners[type]?.push(listener as Listener);
  }

  /** Simulates a frame or a response to a probe from the hub. */
  receive(data: Uint8Array | string): void {
    const isText = typeof data === "string" || this.binaryType !== "arraybuffer";
    this.#dispatch("message", { data: isText ? data : data.slice().buffer });
  }

  /** Simulates a close by the hub, or its loss. */
  end(type: "close" | "error", reason = ""): void {
    this.#dispatch(type, { reason });
  }

  #dispatch(type: string, event: { data?: unknown; reason?: string }): void {
    if (!this.isAccepted) throw new Error("Nothing is dispatched before accept().");
    for (const listener of this.#listeners[type] ?? []) {
      listener({ data: undefined, reason: "", ...event });
    }
  }
}
