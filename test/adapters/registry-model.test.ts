import { describe } from "vitest";
import { createMemoryLog } from "../../src/log/memory.ts";
import { RealtimeError, type RealtimeErrorCode } from "../../src/realtime/errors.ts";
import { RealtimeManager } from "../../src/realtime/manager.ts";
import type { CloseReason, FrameSink, Message, Peer } from "../../src/realtime/types.ts";
import { createInProcessRegistry } from "../../src/registry/in-process.ts";
import type {
  ClientConnection,
  ClientRegistry,
  RegistryStats,
} from "../../src/registry/registry.ts";
import { registryModel, type Subject } from "../suites/registry-model.ts";

interface Entry {
  readonly id: string;
  readonly sink: FrameSink;
  readonly peer: Peer;
  identity: string | undefined;
  keys: readonly string[];
}

/** A registry with nothing clever about it: every message is tried on every key of every client. */
class PlainRegistry implements ClientRegistry {
  readonly #clients: Entry[] = [];
  readonly #ids: string[] = [];
  #opened = 0;
  #sent = 0;

  async open(peer: Peer): Promise<ClientConnection> {
    this.#opened += 1;
    const clientId = `0-plain-${String(this.#opened).padStart(6, "0")}`;
    return {
      clientId,
      cursor: undefined,
      attach: async (sink) => {
        this.#clients.push({ id: clientId, sink, peer, identity: peer.identity, keys: [] });
      },
      place: () => undefined,
      updateActivity: () => {},
      close: (reason) => void this.#remove(clientId, reason),
    };
  }

  async setSubscriptions(clientId: string, request: Peer & { subscriptions: readonly string[] }) {
    if (request.subscriptions.some((key) => /[\r\n]/.test(key))) refuse("invalid_input");
    const client = this.#find(clientId) ?? refuse("unknown_client");
    if (client.peer.ip && client.peer.ip !== request.ip) refuse("ip_mismatch");
    if (client.identity && client.identity !== request.identity) refuse("identity_changed");
    client.identity = request.identity;
    client.keys = [...new Set(request.subscriptions)].filter((key) => key !== "");
  }

  async publish(messages: readonly Message[]) {
    return messages.map((message) => {
      const duplicate = this.#ids.includes(message.id);
      if (!duplicate) this.#take(message);
      return { id: message.id, duplicate };
    });
  }

  async send(clientId: string, event: string, data: unknown): Promise<boolean> {
    const client = this.#find(clientId);
    if (client === undefined) return false;
    if (/[\r\n]/.test(event)) refuse("invalid_event");
    this.#sent += 1;
    const id = `0-plain-${this.#ids.length}.${this.#sent}`;
    return write(client.sink, event, JSON.stringify(data), id);
  }

  async clients() {
    const clients = this.#clients.map(({ id, peer, identity, keys }) => {
      const times = { connectedAt: 0, lastActivityAt: 0, bufferedBytes: 0 };
      return { clientId: id, ip: peer.ip, identity, subscriptions: keys, ...times };
    });
    return { clients, next: undefined };
  }

  async history(): Promise<never> {
    throw new Error("No step of the model reads the history.");
  }

  async disconnect(clientId: string): Promise<boolean> {
    return this.#remove(clientId, "admin");
  }

  async stats(): Promise<RegistryStats> {
    const keys = this.#clients.flatMap((client) => client.keys);
    const replays = { replayed: 0, recovered: 0, unrecovered: 0 };
    const counts = { ...replays, delivered: 0, duplicate: 0, startedAt: "" };
    const disconnects = {} as Record<CloseReason, number>;
    return {
      clients: this.#clients.length,
      subscriptions: keys.length,
      topics: new Set(keys.map(topicOf)).size,
      accepted: this.#ids.length,
      ...{ ...counts, disconnects },
    };
  }

  async close(): Promise<void> {}

  #take({ id, topics, data, private: isPrivate }: Message): void {
    this.#ids.push(id);
    // Nobody has a right to private messages yet.
    if (isPrivate) return;
    for (const { sink, keys } of this.#clients) {
      for (const key of keys) {
        const matches = topics.some((topic) => reaches(topicOf(key), topic));
        if (matches) write(sink, key, data, `0-plain-${this.#ids.length}`);
      }
    }
  }

  #find(clientId: string): Entry | undefined {
    return this.#clients.find(({ id }) => id === clientId);
  }

  #remove(clientId: string, reason: CloseReason): boolean {
    const client = this.#find(clientId);
    if (client === undefined) return false;
    this.#clients.splice(this.#clients.indexOf(client), 1);
    client.sink.close(reason);
    return true;
  }
}

function refuse(code: RealtimeErrorCode): never {
  throw new RealtimeError(code, "The reference refuses.");
}

function topicOf(key: string): string {
  return key.split("?options=")[0] ?? key;
}

function reaches(subscribed: string, topic: string): boolean {
  if (subscribed === "*" || subscribed === topic) return true;
  return subscribed.endsWith("/*") && topic.startsWith(subscribed.slice(0, -1));
}

function write(sink: FrameSink, event: string, data: string, id: string): boolean {
  return sink.write(new TextEncoder().encode(`event: ${event}\ndata: ${data}\nid: ${id}\n\n`));
}

function open(): Subject {
  const registry = createInProcessRegistry({
    manager: new RealtimeManager(),
    log: createMemoryLog(),
  });
  return {
    registry,
    shards: 1,
    open: (_, peer) => registry.open(peer),
  };
}

describe("ClientRegistry: in-process beside a plain one", () => {
  registryModel("it", {
    subject: open,
    reference: () => new PlainRegistry(),
    runs: 100,
    timeLimit: 4500,
  });
});
