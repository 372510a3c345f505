import { expect } from "vitest";
import { RealtimeError } from "../../../src/realtime/errors.ts";
import { createMessage, type PublishInput } from "../../../src/realtime/message.ts";
import type { Principal } from "../../../src/realtime/types.ts";
import type {
  ClientConnection,
  ClientRegistry,
  ConnectRequest,
} from "../../../src/registry/registry.ts";
import { eventually } from "../../support/deadline.ts";
import { RecordingSink } from "../../support/recording-sink.ts";
import { type End, expectSameReceived } from "./received.ts";
import type { Action, Connect, Step, ToClient } from "./steps.ts";

/** A registry under test, and operations that only the property can run. */
export interface Subject {
  readonly registry: ClientRegistry;
  readonly shards: number;
  /** As `registry.open`, on a given shard. */
  open(shard: number, request: ConnectRequest): Promise<ClientConnection>;
  /** Evicts a shard, which keeps only its storage and its sockets. Left out for registries without eviction. */
  evict?(shard: number): Promise<void>;
  /** The number of clients' rows and sockets outside memory, over all shards. */
  traces?(): Promise<number>;
}

type Side = "subject" | "reference";

/** One client, connected to both registries. */
interface Client extends Readonly<Record<Side, End>> {
  readonly peer: Principal;
  isGone: boolean;
  /** The client left before everything had arrived. */
  isCut: boolean;
}

/** An event that no step publishes. When it has arrived, all earlier events have arrived. */
const FENCE = "fence";

/** Runs the same operations on both registries, one after another, and compares the results and the events of the clients. */
export class ModelRun {
  readonly #subject: Subject;
  readonly #reference: ClientRegistry;
  readonly #clients: Client[] = [];
  readonly #revoked: string[] = [];
  /** For each shard, the minimum and maximum of messages that had been accepted when it was constructed. */
  readonly #acceptedBefore: { least: number; most: number }[];
  #count = 0;

  constructor(subject: Subject, reference: ClientRegistry) {
    this.#subject = subject;
    this.#reference = reference;
    this.#acceptedBefore = Array.from({ length: subject.shards }, () => ({ least: 0, most: 0 }));
  }

  async take({ action, evicted }: Step): Promise<void> {
    const { shards, evict } = this.#subject;
    const { accepted: least } = await this.#reference.stats();
    const acting = this.#act(action);
    if (evict === undefined) return acting;
    const ending = [...new Set(evicted.map((shard) => shard % shards))];
    await Promise.all([acting, ...ending.map((shard) => evict(shard))]);
    const { accepted: most } = await this.#reference.stats();
    for (const shard of ending) this.#acceptedBefore[shard] = { least, most };
    if (ending.length > 0) await this.#compareCounts();
  }

  /** Expects that every client has received the same from both registries, and that both list the same clients. */
  async compare(): Promise<void> {
    for (const client of this.#clients) {
      if (!client.isGone) await this.#settle(client);
      expectSameReceived(client.subject, client.reference, client.isCut);
    }
    expect(await this.#listed("subject")).toEqual(await this.#listed("reference"));
    await this.#compareCounts();
    await this.#compareAccepted();
  }

  /** Disconnects every client, and expects that nothing is left. */
  async end(): Promise<void> {
    for (const [index, client] of this.#clients.entries()) {
      if (client.isGone) continue;
      await (index % 2 === 0 ? this.#leave(client, true) : this.#disconnect(client));
    }
    const empty = { clients: 0, subscriptions: 0, topics: 0 };
    expect(await this.#subject.registry.stats()).toMatchObject(empty);
    const { shards, traces, evict } = this.#subject;
    if (traces)
      await eventually(async () => (await traces()) === 0, "no row and no socket is left");
    for (let shard = 0; shard < shards; shard++) await evict?.(shard);
    expect(await this.#subject.registry.stats()).toMatchObject(empty);
    expect(await this.#subject.registry.clients()).toMatchObject({ clients: [] });
  }

  async close(): Promise<void> {
    await Promise.all([this.#subject.registry.close(), this.#reference.close()]);
  }

  async #compareCounts(): Promise<void> {
    const { clients, subscriptions, topics } = await this.#reference.stats();
    // Several shards may have the same topic.
    const expected = { clients, subscriptions, ...(this.#subject.shards === 1 && { topics }) };
    expect(await this.#subject.registry.stats()).toMatchObject(expected);
  }

  /** Messages are counted since the oldest shard was constructed, and once for any number of shards. */
  async #compareAccepted(): Promise<void> {
    const { accepted } = await this.#subject.registry.stats();
    const all = (await this.#reference.stats()).accepted;
    const before = this.#acceptedBefore;
    expect(accepted).toBeGreaterThanOrEqual(all - Math.min(...before.map(({ most }) => most)));
    expect(accepted).toBeLessThanOrEqual(all - Math.min(...before.map(({ least }) => least)));
  }

  async #act(action: Action): Promise<void> {
    if (action.do === "connect") return this.#connect(action);
    if (action.do === "publish") return this.#publish(action.messages);
    if (action.do === "revoke") return this.#revoke(action.subject);
    if (action.do === "nothing" || this.#clients.length === 0) return;
    const client = this.#clients[action.client % this.#clients.length];
    if (client !== undefined) await this.#actOn(client, action);
  }

  async #actOn(client: Client, action: ToClient): Promise<void> {
    if (action.do === "subscribe") return this.#subscribe(client, action.keys, action.as);
    if (action.do === "disconnect") return this.#disconnect(client);
    if (action.do === "leave") return this.#leave(client, action.settled);
    await this.#send(client, action.event);
  }

  async #connect({ shard, peer, keys, envelope }: Connect): Promise<void> {
    const attached = async (opening: Promise<ClientConnection>): Promise<End> => {
      const end = { connection: await opening, sink: new RecordingSink() };
      await end.connection.attach(end.sink);
      return end;
    };
    if (this.#isRevoked(peer)) {
      const refused = { code: "revoked" };
      const opening = this.#subject.open(shard % this.#subject.shards, peer);
      expect(await outcome(opening), "connecting").toEqual(refused);
      expect(await outcome(this.#reference.open(peer)), "connecting").toEqual(refused);
      return;
    }
    const request = { ...peer, envelope };
    const subject = await attached(this.#subject.open(shard % this.#subject.shards, request));
    const reference = await attached(this.#reference.open(request));
    const client = { subject, reference, peer, isGone: false, isCut: false };
    this.#clients.push(client);
    await this.#subscribe(client, keys);
  }

  async #subscribe(
    client: Client,
    keys: readonly string[],
    as: Principal = client.peer,
  ): Promise<void> {
    await this.#agree("subscribing", (registry, side) =>
      registry.setSubscriptions(client[side].connection.clientId, { ...as, subscriptions: keys }),
    );
  }

  async #revoke(subject: string): Promise<void> {
    const ended = new Set<Client>();
    const { clients } = await this.#reference.clients();
    for (const { clientId, identity } of clients) {
      const is = (client: Client) => client.reference.connection.clientId === clientId;
      if (identity === subject) for (const client of this.#clients.filter(is)) ended.add(client);
    }
    await this.#agree("revoking", (registry) => registry.revoke({ subject }));
    this.#revoked.push(subject);
    for (const client of ended) {
      client.isGone = true;
      await client.subject.sink.ended("a revoked client's sink is closed");
    }
  }

  #isRevoked({ identity }: Principal): boolean {
    return identity !== undefined && this.#revoked.includes(identity);
  }

  /** A number makes data unique. Most messages with an id have the same content each time, and so are duplicates. */
  async #publish(inputs: readonly PublishInput[]): Promise<void> {
    const messages = inputs.map((input) => {
      const number = this.#next();
      const { id } = input;
      if (id !== undefined && number % 8 > 0) return createMessage({ id, topic: "chat", data: id });
      if ("topic" in input) return createMessage({ ...input, data: [number, input.data] });
      return createMessage({ ...input, record: { ...input.record, number } });
    });
    await this.#agree("publishing", (registry) => registry.publish(messages));
  }

  async #send(client: Client, event: string): Promise<number> {
    const data = this.#next();
    await this.#agree("sending", (registry, side) =>
      registry.send(client[side].connection.clientId, event, data),
    );
    return data;
  }

  async #disconnect(client: Client): Promise<void> {
    await this.#agree("disconnecting", (registry, side) =>
      registry.disconnect(client[side].connection.clientId),
    );
    client.isGone = true;
    await client.subject.sink.ended("a disconnected client's sink is closed");
  }

  async #leave(client: Client, settled: boolean): Promise<void> {
    if (!client.isGone) {
      if (settled) await this.#settle(client);
      client.isGone = true;
      client.isCut = !settled;
    }
    client.subject.connection.close("client");
    client.reference.connection.close("client");
    const { clients } = await this.#reference.stats();
    const isForgotten = async () => (await this.#subject.registry.stats()).clients === clients;
    await eventually(isForgotten, "a client that left is forgotten", 5000);
  }

  async #settle(client: Client): Promise<void> {
    const fence = String(await this.#send(client, FENCE));
    const { sink } = client.subject;
    await eventually(() => sink.events.at(-1)?.data === fence, "the fence arrives last", 5000);
  }

  /** Calls both registries and expects the same result or the same error. */
  async #agree<T>(
    what: string,
    ask: (registry: ClientRegistry, side: Side) => Promise<T>,
  ): Promise<void> {
    const asked = outcome(ask(this.#subject.registry, "subject"));
    const expected = await outcome(ask(this.#reference, "reference"));
    expect(await asked, what).toEqual(expected);
  }

  /** The registry's list of clients, in the order of their connection. */
  async #listed(side: Side) {
    const registry = side === "subject" ? this.#subject.registry : this.#reference;
    const found = [];
    let after: string | undefined;
    do {
      const page = await registry.clients({ limit: 3, after });
      found.push(...page.clients);
      after = page.next;
    } while (after !== undefined);
    const ids = this.#clients.map((client) => client[side].connection.clientId);
    return found
      .map(({ clientId, ip, identity, rights = [], subscriptions: keys }) => {
        return { client: ids.indexOf(clientId), ip, identity, rights, keys: keys.toSorted() };
      })
      .toSorted((one, other) => one.client - other.client);
  }

  #next(): number {
    this.#count += 1;
    return this.#count;
  }
}

/** The result of a call: a value, or the code of its error. */
async function outcome(answer: Promise<unknown>): Promise<unknown> {
  try {
    return { value: await answer };
  } catch (error) {
    if (!(error instanceof RealtimeError)) throw error;
    return { code: error.code };
  }
}
