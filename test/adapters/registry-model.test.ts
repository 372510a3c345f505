import { describe } from "vitest";
import { createMemoryLog } from "../../src/log/memory.ts";
import { RealtimeError, type RealtimeErrorCode } from "../../src/realtime/errors.ts";
import { RealtimeManager } from "../../src/realtime/manager.ts";
import type {
  ClientInfo,
  CloseReason,
  FrameSink,
  Message,
  Principal,
  Revocation,
} from "../../src/realtime/types.ts";
import { createInProcessRegistry } from "../../src/registry/in-process/registry.ts";
import type {
  ClientConnection,
  ClientRegistry,
  ConnectRequest,
  RegistryStats,
} from "../../src/registry/registry.ts";
import { registryModel, type Subject } from "../suites/registry-model.ts";
import { publishingAtOnce } from "../support/publishing-at-once.ts";

interface Entry {
  readonly id: string;
  readonly sink: FrameSink;
  readonly peer: ConnectRequest;
  identity: string | undefined;
  rights: readonly string[];
  keys: readonly string[];
}

/** A registry without an index: it matches every message against every key of every client. */
class PlainRegistry implements ClientRegistry {
  readonly #clients: Entry[] = [];
  readonly #ids: string[] = [];
  #content: ReadonlyMap<string, string> = new Map();
  readonly #revoked: string[] = [];
  #opened = 0;
  #sent = 0;

  async open(peer: ConnectRequest): Promise<ClientConnection> {
    this.#refuseRevoked(peer);
    this.#opened += 1;
    const clientId = `0-plain-${String(this.#opened).padStart(6, "0")}`;
    return {
      clientId,
      cursor: undefined,
      attach: async (sink) => {
        const { identity, rights = [] } = peer;
        this.#clients.push({ id: clientId, sink, peer, identity, rights, keys: [] });
      },
      resumeCursor: () => undefined,
      updateActivity: () => {},
      close: (reason) => void this.#remove(clientId, reason),
    };
  }

  async setSubscriptions(
    clientId: string,
    request: Principal & { subscriptions: readonly string[] },
  ) {
    if (request.subscriptions.some((key) => /[\r\n]/.test(key))) refuse("invalid_input");
    const client = this.#find(clientId) ?? refuse("unknown_client");
    if (client.peer.ip && client.peer.ip !== request.ip) refuse("ip_mismatch");
    if (client.identity && client.identity !== request.identity) refuse("identity_changed");
    this.#refuseRevoked(request);
    client.identity = request.identity;
    client.rights = request.rights ?? [];
    client.keys = [...new Set(request.subscriptions)].filter((key) => key !== "");
  }

  /** The model has no topic rules, so no topic has presence. */
  async members(): Promise<never> {
    return refuse("invalid_input");
  }

  extendInfo(): Promise<never> {
    return this.members();
  }

  async publish(messages: readonly Message[]) {
    const content = new Map(this.#content);
    for (const message of messages) {
      const text = JSON.stringify(message);
      if ((content.get(message.id) ?? text) !== text) throw new RealtimeError("id_reused", "");
      content.set(message.id, text);
    }
    this.#content = content;
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
    return { clients: this.#clients.map(describeEntry), next: undefined };
  }

  async client(clientId: string) {
    const client = this.#find(clientId);
    return client && describeEntry(client);
  }

  async topics() {
    const topics = new Map<string, number>();
    for (const key of this.#clients.flatMap(({ keys }) => keys)) {
      topics.set(topicOf(key), (topics.get(topicOf(key)) ?? 0) + 1);
    }
    const sorted = [...topics].toSorted(([one], [other]) => (one < other ? -1 : 1));
    return {
      topics: sorted.map(([topic, subscriptions]) => ({ topic, subscriptions })),
      next: undefined,
    };
  }

  async revoke(revocation: Revocation): Promise<number> {
    const isMeant = (client: Entry) =>
      "subject" in revocation
        ? client.identity === revocation.subject
        : client.id === revocation.clientId;
    if ("subject" in revocation) this.#revoked.push(revocation.subject);
    const meant = this.#clients.filter(isMeant);
    for (const { id } of meant) this.#remove(id, "revoked");
    return meant.length;
  }

  async history(): Promise<never> {
    throw new Error("No step of the model reads the history.");
  }

  async erase(): Promise<never> {
    throw new Error("No step of the model erases the history.");
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
      connects: 0,
      keyBudget: { used: 0, limit: 0, characters: 0, charactersLimit: 0, refused: 0 },
      queuedBytes: 0,
      history: { messages: 0, bytes: 0 },
      kept: { topics: 0, messages: 0, bytes: 0, evicted: 0 },
      publishLatency: { counts: [], seconds: 0 },
      ...{ ...counts, disconnects },
    };
  }

  async close(): Promise<void> {}

  #take({ id, topics, data, private: isPrivate }: Message): void {
    this.#ids.push(id);
    for (const { sink, keys, rights, peer } of this.#clients) {
      for (const key of keys) {
        const isOpen = (topic: string) =>
          !isPrivate || rights.some((right) => reaches(right, topic));
        const matches = topics.some((topic) => isOpen(topic) && reaches(topicOf(key), topic));
        if (!matches) continue;
        const own = /"envelope":(1|false)/.exec(key)?.[1];
        const isEnveloped = own === undefined ? peer.envelope === true : own === "1";
        const first = topics.find((topic) => reaches(topicOf(key), topic));
        const head = `{"topic":${JSON.stringify(first)},"id":${JSON.stringify(id)},"at":""`;
        const sent = isEnveloped ? `${head},"data":${data}}` : data;
        write(sink, key, sent, `0-plain-${this.#ids.length}`);
      }
    }
  }

  /** The model's credentials have no issue time. */
  #refuseRevoked({ identity }: Principal): void {
    if (identity !== undefined && this.#revoked.includes(identity)) refuse("revoked");
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

function describeEntry({ id, peer, identity, rights, keys }: Entry): ClientInfo {
  const times = { connectedAt: 0, lastActivityAt: 0, bufferedBytes: 0 };
  return { clientId: id, ip: peer.ip, identity, rights, subscriptions: keys, ...times };
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

function open(sliceCost?: number): Subject {
  const manager = new RealtimeManager({}, sliceCost);
  const log = createMemoryLog();
  const registry = createInProcessRegistry({ manager, log });
  return {
    // With slow deliveries, the next step starts before they have ended.
    registry: sliceCost === undefined ? registry : publishingAtOnce(registry, log),
    shards: 1,
    open: (_, peer) => registry.open(peer),
  };
}

describe("ClientRegistry: in-process, compared with a registry without an index", () => {
  registryModel("the registry", {
    subject: () => open(),
    reference: () => new PlainRegistry(),
    runs: 100,
    timeLimit: 50_000,
  });
  registryModel("the registry that yields after each client", {
    subject: () => open(0),
    reference: () => new PlainRegistry(),
    runs: 100,
    timeLimit: 50_000,
  });
});
