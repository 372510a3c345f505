import type {
  ClientConnection,
  ClientRegistry,
  ConnectRequest,
} from "../../../src/registry/registry.ts";
import { eventually } from "../../support/deadline.ts";
import { Book, numberOf } from "./book.ts";
import { ModelClient } from "./client.ts";
import type { Action, Publication, Step, ToClient, Way } from "./steps.ts";

/** A registry under test, and operations that only the property can run. */
export interface Resumable {
  readonly registry: ClientRegistry;
  readonly shards: number;
  /** As `registry.open` without a cursor, on a given shard. */
  open(shard: number, request: ConnectRequest): Promise<ClientConnection>;
  /** Evicts a shard, which keeps only its storage and its sockets. Left out for registries without eviction. */
  evict?(shard: number): Promise<void>;
  /** Opens the same registry over an empty log. Left out for registries that keep their log. */
  restart?(): ClientRegistry;
}

/** Few clients, so that most steps meet a client in the middle of a replay. */
const MOST_CLIENTS = 4;

/** A key of every client. When a last message under it has arrived, all earlier messages have arrived. */
const FENCE = "fence";

export class ResumeRun {
  readonly #subject: Resumable;
  readonly #book: Book;
  readonly #clients: ModelClient[] = [];
  #registry: ClientRegistry;

  constructor(subject: Resumable, history: number | undefined) {
    this.#subject = subject;
    this.#registry = subject.registry;
    this.#book = new Book(history);
  }

  async take({ action, evicted }: Step): Promise<void> {
    const { shards, evict } = this.#subject;
    const acting = this.#act(action);
    if (evict === undefined) return acting;
    const ending = new Set(evicted.map((shard) => shard % shards));
    await Promise.all([acting, ...[...ending].map((shard) => evict(shard))]);
  }

  /** Reconnects every client, and expects that each has every message. */
  async compare(): Promise<void> {
    for (const client of this.#clients) client.open?.sink.release();
    const first = this.#book.now + 1;
    await eventually(async () => {
      await this.#reconnect();
      // Publishes more than one fence, because a client that gets `recovered: false` may have missed a fence.
      await this.#publishFence();
      return this.#haveFence(first);
    }, "every client is live again");
    await eventually(async () => {
      if (await this.#reconnect()) await this.#publishFence();
      return this.#haveFence(this.#book.now);
    }, "the last fence arrives");
    for (const client of this.#clients) {
      client.cut();
      client.expectAll();
    }
  }

  /** Reconnects clients without a stream, and clients that the service has asked to reconnect. Returns whether there were any. */
  async #reconnect(): Promise<boolean> {
    const absent = this.#clients.filter(({ open }) => open?.sink.closings.length !== 0);
    for (const client of absent) {
      client.cut();
      await this.#resume(client, "topics", false, 0);
    }
    return absent.length > 0;
  }

  async #publishFence(): Promise<void> {
    await this.#publish([{ id: undefined, topics: { topic: FENCE }, private: false, size: 0 }]);
  }

  /** Whether the stream of each client has a fence with this number or a greater one. */
  #haveFence(number: number): boolean {
    return this.#clients.every(({ open, envelope }) =>
      open?.sink.events.some(
        ({ event, data }) => event === FENCE && numberOf(data, envelope) >= number,
      ),
    );
  }

  async close(): Promise<void> {
    for (const client of this.#clients) client.cut();
    await this.#registry.close();
  }

  async #act(action: Action): Promise<void> {
    if (action.do === "connect") return this.#connect(action.shard, action.keys);
    if (action.do === "publish") return this.#publish(action.messages);
    if (action.do === "restart") return this.#restart();
    if (action.do === "nothing") return;
    const client = this.#clients[action.client % Math.max(this.#clients.length, 1)];
    if (client !== undefined) await this.#actOn(client, action);
  }

  async #actOn(client: ModelClient, action: ToClient): Promise<void> {
    if (action.do === "resume") {
      if (client.open !== undefined) return;
      return this.#resume(client, action.way, action.isHeld, action.shard);
    }
    if (action.do === "join") return this.#join(client, action.keys);
    if (client.open === undefined) return;
    const { sink, connection } = client.open;
    if (action.do === "send") await this.#registry.send(connection.clientId, "note", 1);
    else if (action.do === "cut") client.cut(action);
    else if (action.do === "hold") sink.hold();
    else if (action.do === "takeOnce") sink.takeOnce();
    else sink.release();
  }

  async #connect(shard: number, keys: readonly string[]): Promise<void> {
    if (this.#clients.length >= MOST_CLIENTS) return;
    // Every second client has envelopes.
    const client = new ModelClient(this.#book, this.#clients.length % 2 === 1);
    this.#clients.push(client);
    for (const key of [...keys, FENCE]) client.keys.set(key, this.#book.now);
    await this.#openNew(client, shard, false);
  }

  async #openNew(client: ModelClient, shard: number, isHeld: boolean): Promise<void> {
    const { shards } = this.#subject;
    const topics = [...client.keys.keys()];
    const from = this.#book.now;
    const { envelope } = client;
    const connection = await this.#subject.open(shard % shards, { topics, envelope });
    await client.attach(connection, isHeld, from);
  }

  async #join(client: ModelClient, keys: readonly string[]): Promise<void> {
    for (const key of keys) {
      if (!client.keys.has(key)) client.keys.set(key, this.#book.now);
    }
    if (client.open === undefined) return;
    const { clientId } = client.open.connection;
    const subscriptions = [...client.keys.keys()];
    await this.#registry.setSubscriptions(clientId, { subscriptions });
  }

  async #resume(client: ModelClient, way: Way, isHeld: boolean, shard: number): Promise<void> {
    const { lastEventId, envelope } = client;
    if (lastEventId === undefined) {
      client.loseTrack();
      return this.#openNew(client, shard, isHeld);
    }
    const keys = [...client.keys.keys()];
    if (way === "posted") {
      const connection = await this.#subject.open(shard % this.#subject.shards, { envelope });
      const from = client.position(Number(connection.clientId.split("-")[0]));
      await client.attach(connection, isHeld, from, true);
      const { clientId } = connection;
      return this.#registry.setSubscriptions(clientId, { subscriptions: keys, lastEventId });
    }
    const from = client.position();
    const topics = way === "topics" ? keys : undefined;
    const connection = await this.#registry.open({ topics, lastEventId, envelope });
    await client.attach(connection, isHeld, from);
    if (way === "topics") return;
    await this.#registry.setSubscriptions(connection.clientId, { subscriptions: keys });
  }

  async #publish(publications: readonly Publication[]): Promise<void> {
    await this.#registry.publish(publications.map((publication) => this.#book.take(publication)));
  }

  async #restart(): Promise<void> {
    const { restart } = this.#subject;
    if (restart === undefined) return;
    for (const client of this.#clients) client.cut();
    await this.#registry.close();
    this.#registry = restart();
    this.#book.forget();
  }
}
