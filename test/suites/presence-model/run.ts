import { expect } from "vitest";
import { RealtimeError } from "../../../src/realtime/errors.ts";
import type { Principal } from "../../../src/realtime/types.ts";
import type { Milliseconds } from "../../../src/realtime/units.ts";
import type {
  ClientConnection,
  ClientRegistry,
  ConnectRequest,
} from "../../../src/registry/registry.ts";
import { type End, type Step, TOPICS, type Who } from "./steps.ts";
import { type TrueClient, Truth } from "./truth.ts";
import { type Rebuilt, WatcherSink } from "./watcher.ts";

/** A registry under test. Its topics `chat/*` have presence, and its members are private. */
export interface PresenceSubject {
  /** Number of processes or hubs. */
  readonly sources: number;
  readonly grace: Milliseconds;
  /** The wall clock of the registry. */
  now(): number;
  /** As `registry.open`, at a given source. */
  open(source: number, request: ConnectRequest): Promise<ClientConnection>;
  /** A registry for requests, with the answers of all sources. */
  registry(): ClientRegistry;
  /** Lets time pass. */
  pass(time: Milliseconds): Promise<void>;
  /** Ends a source suddenly. Another takes its number. Left out if a source can't end alone. */
  kill?(source: number): Promise<void>;
  /** Waits until a killed source counts for nothing and all that was sent has arrived. Default: a grace and three seconds. */
  settle?(): Promise<void>;
}

/** Time between two steps, so that every change has a time of its own. */
const MOMENT: Milliseconds = 5;

/** One client, which may connect several times. */
interface Client extends TrueClient {
  keys: readonly string[];
  sees: boolean;
  connection: ClientConnection;
  sink: WatcherSink;
  readonly rebuilt: Map<string, Rebuilt>;
  source: number;
  isConnected: boolean;
  /** Events of presence topics that a client without the right had when it lost the right. */
  seen: number;
}

/** Applies steps to a subject and to the truth, and compares what subscribers have rebuilt with the truth. */
export class PresenceRun {
  readonly #subject: PresenceSubject;
  readonly #truth: Truth;
  readonly #clients: Client[] = [];

  constructor(subject: PresenceSubject) {
    this.#subject = subject;
    this.#truth = new Truth(() => subject.now(), subject.grace);
  }

  async take(step: Step): Promise<void> {
    await this.#act(step);
    await this.#subject.pass(MOMENT);
    this.#checkRights();
  }

  /** Lets every grace end, and compares. */
  async compare(): Promise<void> {
    for (const { sink } of this.#clients) sink.release();
    const { grace, pass, settle = () => pass.call(this.#subject, grace + 3000) } = this.#subject;
    await settle.call(this.#subject);
    this.#checkRights();
    for (const topic of TOPICS) {
      const truth = this.#truth.topic(topic);
      const read = await this.#subject.registry().members(topic);
      const { members = [], count, guests } = read;
      const infos = Object.fromEntries(members.map(({ id, info }) => [id, info]));
      expect({ members: infos, guests, count }, topic).toEqual({ ...truth, count: members.length });
      const since = Object.fromEntries(members.map((member) => [member.id, member.since]));
      for (const client of this.#clients) this.#compareClient(client, topic, truth, since);
    }
  }

  #compareClient(
    client: Client,
    topic: string,
    truth: ReturnType<Truth["topic"]>,
    since: Readonly<Record<string, number>>,
  ): void {
    expect(client.sink.errors).toEqual([]);
    const name = `$presence/${topic}`;
    if (!client.isConnected || !maySee(client) || !client.keys.includes(name)) return;
    const { members, guests, isComplete } = client.rebuilt.get(name) ?? {};
    const infos = Object.fromEntries([...(members ?? [])].map(([id, { info }]) => [id, info]));
    const times = Object.fromEntries([...(members ?? [])].map(([id, one]) => [id, one.since]));
    const label = `client ${this.#clients.indexOf(client)}, ${topic}`;
    expect({ members: infos, guests, isComplete }, label).toEqual({ ...truth, isComplete: true });
    // The time of a member of several sources is the earliest. When a source ends, no event says that another is the earliest now.
    if (this.#subject.sources === 1) expect(times, label).toEqual(since);
  }

  /** Fails if a client without the right has received an event of a presence topic. */
  #checkRights(): void {
    for (const client of this.#clients) {
      if (!maySee(client)) expect(countOf(client)).toBe(client.seen);
    }
  }

  async #act(step: Step): Promise<void> {
    if (step.type === "pass") return this.#subject.pass(step.graces * this.#subject.grace);
    if (step.type === "connect") return this.#connect(step);
    if (step.type === "revoke") return this.#revoke(step.user);
    if (step.type === "kill") return this.#kill(step.source % this.#subject.sources);
    const client = this.#clients[step.client % this.#clients.length];
    if (client === undefined) return;
    if (step.type === "resume") return this.#resume(client, step.source);
    if (!client.isConnected) return;
    if (step.type === "end") return this.#end(client, step.how);
    if (step.type === "subscribe") return this.#subscribe(client, step);
    if (step.type === "info") return this.#changeInfo(client, step.topic, step.added);
    if (step.type === "hold") client.sink.hold();
    else client.sink.release();
  }

  async #connect({ source, who, keys, ...credential }: Extract<Step, { type: "connect" }>) {
    const client: Client = {
      ...{ ...credential, who, keys, source: source % this.#subject.sources },
      ...{ topics: new Set(), rebuilt: new Map(), isConnected: false, seen: 0 },
      // Set by `#open`.
      ...({ connection: undefined, sink: undefined } as unknown as Pick<
        Client,
        "connection" | "sink"
      >),
    };
    this.#clients.push(client);
    await this.#open(client, undefined);
  }

  async #open(client: Client, lastEventId: string | undefined): Promise<void> {
    const { keys, source } = client;
    const request = { ...this.#principal(client), topics: keys, lastEventId };
    client.connection = await this.#subject.open(source, request);
    client.sink = new WatcherSink(lastEventId ?? client.connection.clientId, client.rebuilt);
    client.seen = 0;
    client.isConnected = true;
    this.#truth.set(client, client.who, client.version, topicsOf(keys));
    await client.connection.attach(client.sink);
  }

  /** Connects again, as an EventSource does. */
  async #resume(client: Client, source: number): Promise<void> {
    if (client.isConnected) await this.#end(client, "client");
    client.source = source % this.#subject.sources;
    await this.#open(client, client.sink.lastEventId);
  }

  async #end(client: Client, how: End): Promise<void> {
    const { connection, sink } = client;
    const { clientId } = connection;
    if (how === "admin") await this.#subject.registry().disconnect(clientId);
    else if (how !== "slow") connection.close(how);
    else {
      sink.isFull = true;
      await this.#subject.registry().send(clientId, "full", null);
    }
    this.#gone(client);
  }

  #gone(client: Client): void {
    client.isConnected = false;
    this.#truth.set(client, client.who, client.version, new Set());
  }

  async #subscribe(client: Client, step: Extract<Step, { type: "subscribe" }>): Promise<void> {
    const { who, version, sees, keys } = step;
    const mayChange = client.who === "guest" || client.who === who;
    const before = { ...client };
    Object.assign(client, mayChange ? { version, sees, keys } : {});
    client.seen = countOf(client);
    const request = { ...this.#principal({ who, version, sees }), subscriptions: keys };
    const sent = this.#subject.registry().setSubscriptions(before.connection.clientId, request);
    if (!mayChange) {
      await expect(sent).rejects.toMatchObject({ code: "identity_changed" });
      return;
    }
    await sent;
    for (const name of client.rebuilt.keys()) {
      if (!keys.includes(name)) client.rebuilt.delete(name);
    }
    this.#truth.set(client, who, version, topicsOf(keys));
  }

  async #changeInfo(client: Client, topic: string, info: object): Promise<void> {
    const { clientId } = client.connection;
    const principal = this.#principal(client);
    const isMember = this.#truth.show(client, topic, info);
    const error: unknown = await this.#subject
      .registry()
      .extendInfo({ clientId, topic, info: { ...info }, principal })
      .catch((reason: unknown) => reason);
    const code = error instanceof RealtimeError ? error.code : error;
    expect(code).toBe(isMember ? undefined : "not_allowed");
  }

  async #revoke(user: number): Promise<void> {
    const subject = `user${user}`;
    const there = this.#clients.filter(({ who, isConnected }) => who === user && isConnected);
    expect(await this.#subject.registry().revoke({ subject })).toBe(there.length);
    for (const client of there) this.#gone(client);
  }

  async #kill(source: number): Promise<void> {
    if (this.#subject.kill === undefined) return;
    await this.#subject.kill(source);
    for (const client of this.#clients) {
      if (client.source === source) client.isConnected = false;
    }
    this.#truth.kill(source);
  }

  #principal({ who, version, sees }: Pick<Client, "who" | "version" | "sees">): Principal {
    // A guest without a right is a guest; a guest with it stands for a host app that gives guests rights.
    const rights = sees ? ["$presence/*"] : ["chat/*"];
    const issuedAt = this.#subject.now();
    if (who === "guest") return { rights, issuedAt };
    if (who === "admin") return { identity: "admin\tkey", rights: ["*"], isAdmin: true, issuedAt };
    return { identity: `user${who}`, info: { name: version }, rights, issuedAt };
  }
}

function topicsOf(keys: readonly string[]): ReadonlySet<string> {
  return new Set(TOPICS.filter((topic) => keys.includes(topic)));
}

function maySee({ who, sees }: { readonly who: Who; readonly sees: boolean }): boolean {
  return who === "admin" || sees;
}

function countOf({ sink }: Client): number {
  let count = 0;
  for (const one of sink.counts.values()) count += one;
  return count;
}
