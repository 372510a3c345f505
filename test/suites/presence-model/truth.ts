import type { Milliseconds } from "../../../src/realtime/units.ts";
import type { Who } from "./steps.ts";

/** A client as the truth sees it. */
export interface TrueClient {
  readonly source: number;
  who: Who;
  version: number;
  topics: ReadonlySet<string>;
}

/** A user in a topic, as one source has it. */
interface TrueMember {
  readonly clients: Set<TrueClient>;
  name: number;
  added: object;
  /** When the name or the added fields last changed. */
  changedAt: number;
  /** When the last client left. */
  goneAt: number;
}

/** What a topic has when every grace has ended. */
export interface TrueTopic {
  readonly members: Readonly<Record<string, unknown>>;
  readonly guests: number;
}

/** The members and guests by the plainest rules. Each source has the info of the users that are connected to it. */
export class Truth {
  readonly #clients = new Set<TrueClient>();
  /** By source, topic and user. */
  readonly #members = new Map<string, TrueMember>();
  readonly #now: () => number;
  readonly #grace: Milliseconds;

  constructor(now: () => number, grace: Milliseconds) {
    this.#now = now;
    this.#grace = grace;
  }

  /** Applies what a client is now. Without topics it has left. */
  set(client: TrueClient, who: Who, version: number, topics: ReadonlySet<string>): void {
    const before = { who: client.who, topics: client.topics };
    Object.assign(client, { who, version, topics });
    if (topics.size > 0) this.#clients.add(client);
    else this.#clients.delete(client);
    for (const topic of topics) this.#enter(client, topic);
    for (const topic of before.topics) {
      const stays = before.who === who && topics.has(topic);
      if (!stays && typeof before.who === "number") this.#leave(client, before.who, topic);
    }
  }

  /** Changes what the user of a client shows besides its name. Returns whether the client is a member. */
  show(client: TrueClient, topic: string, added: object): boolean {
    const { source, who, topics } = client;
    const member = this.#members.get(`${source} ${topic} ${who}`);
    if (typeof who !== "number" || member === undefined || !topics.has(topic)) return false;
    if (JSON.stringify(added) !== JSON.stringify(member.added)) member.changedAt = this.#now();
    member.added = added;
    return true;
  }

  /** A source has ended suddenly, with all its clients. */
  kill(source: number): void {
    for (const client of this.#clients) if (client.source === source) this.#clients.delete(client);
    for (const key of this.#members.keys()) {
      if (key.startsWith(`${source} `)) this.#members.delete(key);
    }
  }

  /** A topic, when every grace has ended. */
  topic(topic: string): TrueTopic {
    const there = [...this.#clients].filter(({ topics }) => topics.has(topic));
    const users = new Set(there.map(({ who }) => who).filter((who) => typeof who === "number"));
    const members = [...users].sort().map((who) => {
      const reports = [...this.#members]
        .filter(([key, { clients }]) => key.endsWith(` ${topic} ${who}`) && clients.size > 0)
        .map(([, member]) => member)
        .sort((one, other) => other.changedAt - one.changedAt);
      const [{ name, added } = { name: undefined, added: {} }] = reports;
      return [`user${who}`, { ...added, name }];
    });
    const guests = there.filter(({ who }) => who === "guest").length;
    return { members: Object.fromEntries(members), guests };
  }

  #enter(client: TrueClient, topic: string): void {
    const { source, who, version } = client;
    if (typeof who !== "number") return;
    const key = `${source} ${topic} ${who}`;
    const now = this.#now();
    let member = this.#members.get(key);
    const isGone =
      member !== undefined && member.clients.size === 0 && member.goneAt + this.#grace < now;
    if (member === undefined || isGone) {
      member = { clients: new Set(), name: version, added: {}, changedAt: now, goneAt: 0 };
      this.#members.set(key, member);
    }
    member.clients.add(client);
    if (member.name !== version) member.changedAt = now;
    member.name = version;
  }

  #leave(client: TrueClient, who: number, topic: string): void {
    const member = this.#members.get(`${client.source} ${topic} ${who}`);
    if (member?.clients.delete(client) && member.clients.size === 0) member.goneAt = this.#now();
  }
}
