import { expect } from "vitest";
import { RealtimeError } from "../../../src/realtime/errors.ts";
import { createMessage, type PublishInput } from "../../../src/realtime/message.ts";
import type { Principal } from "../../../src/realtime/types.ts";
import type { ClientConnection, ClientRegistry } from "../../../src/registry/registry.ts";
import { eventually } from "../../support/deadline.ts";
import { RecordingSink } from "../../support/recording-sink.ts";
import { type End, expectSameReceived } from "./received.ts";
import type { Action, Step, ToClient } from "./steps.ts";

/** A registry under test, and what the property does to it that no caller can. */
export interface Subject {
  readonly registry: ClientRegistry;
  readonly shards: number;
  /** As `registry.open`, on a shard that was chosen. */
  open(shard: number, peer: Principal): Promise<ClientConnection>;
  /** Makes a shard forget everything but its storage and its sockets. Left out: nothing is ever evicted. */
  evict?(shard: number): Promise<void>;
  /** What is kept of clients outside memory, over all shards: rows and sockets. */
  traces?(): Promise<number>;
}

type Side = "subject" | "reference";

/** One client, connected to both. */
interface Client extends Readonly<Record<Side, End>> {
  readonly peer: Principal;
  isGone: boolean;
  /** It left with something on its way, which it may have missed. */
  isCut: boolean;
}

/** An event nobody publishes: when it has come, all that was sent before has. */
const FENCE = "fence";

/** The same operations on both, one after another, with the same answers; then what their clients received. */
export class ModelRun {
  readonly #subject: Subject;
  readonly #reference: ClientRegistry;
  readonly #clients: Client[] = [];
  readonly #revoked: string[] = [];
  /** By shard: how many messages had been accepted when it was constructed, at least and at most. */
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

  /** Everybody has received the same, and both say the same of everybody. */
  async compare(): Promise<void> {
    for (const client of this.#clients) {
      if (!client.isGone) await this.#settle(client);
      expectSameReceived(client.subject, client.reference, client.isCut);
    }
    expect(await this.#listed("subject")).toEqual(await this.#listed("reference"));
    await this.#compareCounts();
    await this.#compareAccepted();
  }

  /** Everybody leaves, and nothing is left. */
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

  /** Counted since the oldest shard was constructed, and once however many shards there are. */
  async #compareAccepted(): Promise<void> {
    const { accepted } = await this.#subject.registry.stats();
    const all = (await this.#reference.stats()).accepted;
    const before = this.#acceptedBefore;
    expect(accepted).toBeGreaterThanOrEqual(all - Math.min(...before.map(({ most }) => most)));
    expect(accepted).toBeLessThanOrEqual(all - Math.min(...before.map(({ least }) => least)));
  }

  async #act(action: Action): Promise<void> {
    if (action.do === "connect") return this.#connect(action.shard, action.peer, action.keys);
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

  async #connect(shard: number, peer: Principal, keys: readonly string[]): Promise<void> {
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
    const subject = await attached(this.#subject.open(shard % this.#subject.shards, peer));
    const reference = await attached(this.#reference.open(peer));
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
      await client.subject.sink.ended("a client is told that it was revoked");
    }
  }

  #isRevoked({ identity }: Principal): boolean {
    return identity !== undefined && this.#revoked.includes(identity);
  }

  /** Data is told apart by its number. Most messages with an id are the same each time, and so duplicates. */
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
    await client.subject.sink.ended("a client is told that it was disconnected");
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

  /** Asks both and expects one answer, or one error. */
  async #agree<T>(
    what: string,
    ask: (registry: ClientRegistry, side: Side) => Promise<T>,
  ): Promise<void> {
    const asked = outcome(ask(this.#subject.registry, "subject"));
    const expected = await outcome(ask(this.#reference, "reference"));
    expect(await asked, what).toEqual(expected);
  }

  /** What the registry says of its clients, by the order they came in. */
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

/** What was answered: a value, or the error a caller sees. */
async function outcome(answer: Promise<unknown>): Promise<unknown> {
  try {
    return { value: await answer };
  } catch (error) {
    if (!(error instanceof RealtimeError)) throw error;
    return { code: error.code };
  }
}
