import { createServer, type RealtimeServer } from "../../../src/api/server.ts";
import type { Message, Realtime } from "../../../src/client/types.ts";
import { connect } from "../../../src/client.ts";
import { ClientNetwork, MEMORY_URL } from "../client-network.ts";
import { eventually, pause } from "../deadline.ts";
import type { Step } from "./steps.ts";

/** One subscription, and what it must have received. */
interface Subscription {
  readonly topic: string;
  readonly last: number;
  /** Number of messages when the subscription was added. */
  readonly addedAt: number;
  /** Number of messages when the service was known to have the subscription. Every later message must arrive. */
  confirmedAt: number;
  readonly received: number[];
  readonly end: () => void;
}

/** A service without sockets, one client, and the messages that its subscriptions must receive. */
export class ClientModelRun {
  readonly #server: RealtimeServer = createServer();
  readonly #network = new ClientNetwork(this.#server.app);
  readonly #realtime: Realtime;
  /** The topic of each message. */
  readonly #messages: string[] = [];
  readonly #subscriptions: Subscription[] = [];
  readonly #faults: string[] = [];
  #received = 0;

  constructor() {
    this.#realtime = connect(MEMORY_URL, this.#network.options);
    this.#realtime.on("gap", () => this.#faults.push("gap, though the history has everything"));
  }

  get counts() {
    const { cuts, lostPosts, streams } = this.#network.counts;
    return {
      ...{ messages: this.#messages.length, received: this.#received },
      ...{ cuts, lostPosts, streams },
    };
  }

  async take(step: Step): Promise<void> {
    if (step.do === "publish") await this.#publish(step.topics);
    else if (step.do === "add") this.#add(step.topic, step.last);
    else if (step.do === "remove") this.#remove(step.which);
    else if (step.do === "replace") this.#replace(step.which);
    else if (step.do === "cut") this.#network.cut(step.isFinal);
    else if (step.do === "cutAfter") this.#network.cutAfter(step.events);
    else if (step.do === "failPost") this.#network.failPost(step.fault);
    else if (step.do === "refreshToken") this.#realtime.refreshToken();
    else if (step.do === "settle") await this.#settle();
    else for (let turn = 0; turn < step.turns; turn++) await pause(0);
    this.#throwFaults();
  }

  async finish(): Promise<void> {
    await this.#settle();
    // A repeated message would arrive later.
    await pause(100);
    this.#throwFaults();
  }

  async close(): Promise<void> {
    this.#realtime.close();
    await this.#server.close();
  }

  async #publish(topics: readonly string[]): Promise<void> {
    const list = topics.map((topic) => {
      const n = this.#messages.push(topic);
      return { topic, data: { n } };
    });
    await this.#server.publish(...list);
  }

  #add(topic: string, last: number | undefined): void {
    const received: number[] = [];
    const onMessage = ({ data, topic: messageTopic }: Message) => {
      const n = (data as { n?: number } | null)?.n ?? 0;
      if (this.#messages[n - 1] !== messageTopic) {
        this.#faults.push(`"${topic}" got ${JSON.stringify(data)} of "${messageTopic}"`);
      }
      this.#received += 1;
      received.push(n);
    };
    const end = this.#realtime.subscribe(topic, onMessage, last === undefined ? {} : { last });
    const addedAt = this.#messages.length;
    const confirmedAt = Number.POSITIVE_INFINITY;
    this.#subscriptions.push({ topic, last: last ?? 0, addedAt, confirmedAt, received, end });
  }

  #remove(which: number): Subscription | undefined {
    const [subscription] = this.#subscriptions.splice(which % (this.#subscriptions.length || 1), 1);
    if (subscription === undefined) return undefined;
    subscription.end();
    this.#check(subscription, false);
    return subscription;
  }

  /** As a component that is rendered again. */
  #replace(which: number): void {
    const subscription = this.#remove(which);
    if (subscription !== undefined) this.#add(subscription.topic, subscription.last || undefined);
  }

  /** Waits until the network is quiet and the client has everything. */
  async #settle(): Promise<void> {
    this.#network.heal();
    const isQuiet = () => {
      const status = this.#subscriptions.length === 0 ? "idle" : "connected";
      return this.#realtime.status === status && this.#network.pending === 0;
    };
    // A request may begin after the current turn.
    const isSettled = async () => {
      await pause(0);
      return isQuiet();
    };
    await eventually(isSettled, `the client is settled, and is ${this.#realtime.status}`, 10_000);
    await this.#publish(["a/1", "a/2", "b", "ping", "error", "open"]);
    const hasAll = (subscription: Subscription) => {
      const newest = this.#messages.findLastIndex((topic) => matches(subscription.topic, topic));
      return subscription.received.at(-1) === newest + 1;
    };
    await eventually(() => this.#subscriptions.every(hasAll), "all messages arrive", 10_000);
    for (const subscription of this.#subscriptions) {
      subscription.confirmedAt = Math.min(subscription.confirmedAt, this.#messages.length);
      this.#check(subscription, true);
    }
  }

  /** @param isSettled Whether the newest message must have arrived. */
  #check(subscription: Subscription, isSettled: boolean): void {
    const { topic, last, addedAt, confirmedAt, received } = subscription;
    const all = this.#messages.flatMap((to, index) => (matches(topic, to) ? [index + 1] : []));
    const first = received[0] ?? Number.POSITIVE_INFINITY;
    const wanted = all.filter((n) => n >= first && n <= (received.at(-1) ?? 0));
    const about = `"${topic}", last ${last}, added at ${addedAt}`;
    if (received.join() !== wanted.join()) {
      this.#faults.push(`${about}: got ${received}, and not ${wanted}`);
    }
    const isLate = all.find((n) => n > confirmedAt) ?? Number.POSITIVE_INFINITY;
    if (isSettled && first > isLate) this.#faults.push(`${about}: began late, with ${first}`);
    if (isSettled && received.length < Math.min(last, all.length)) {
      this.#faults.push(`${about}: got ${received} of ${all}`);
    }
    const before = all.filter((n) => n <= addedAt);
    const earliest = before.at(-last) ?? 1;
    if (last > 0 && before.length > last && first < earliest) {
      this.#faults.push(`${about}: began early, with ${first} before ${earliest}`);
    }
  }

  #throwFaults(): void {
    if (this.#faults.length > 0) throw new Error(this.#faults.join("\n"));
  }
}

function matches(subscribed: string, topic: string): boolean {
  if (subscribed === "*" || subscribed === topic) return true;
  return subscribed.endsWith("/*") && topic.startsWith(subscribed.slice(0, -1));
}
