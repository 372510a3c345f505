/** The load of a soak, in rounds, and a sample of the service after each round. */
import { publish, readStats } from "../support/api.ts";
import { type ClientFaults, MessageBook } from "../support/client-chaos/book.ts";
import { ChaosMember } from "../support/client-chaos/member.ts";
import { type Network, startNetwork } from "../support/client-chaos/network.ts";
import { calmDown, fillHistory, publishUntil } from "../support/client-chaos/publishing.ts";
import { eventually, pause } from "../support/deadline.ts";
import { countDescriptors, openConnections, residentBytes } from "../support/descriptors.ts";
import { lookInside } from "../support/measured.ts";
import { type Random, seededRandom } from "../support/random.ts";
import { ResumingFollower } from "./follower.ts";
import type { Sample } from "./judge.ts";
import { HISTORY, type SoakedService } from "./service.ts";
import type { SoakSettings } from "./settings.ts";
import { type VisitorWorld, visitUntil } from "./visitors.ts";

const MEMBERS = 8;
const PAGES = 4;
const VISITORS_AT_ONCE = 16;
const ROUND = 12_000;
const MOST_PUBLISH_PAUSE = 60;
const MOST_STALL = 1000;
/** Seconds. Tokens that expire more often would renew themselves during the samples. */
const TOKEN_LIFE = [60, 120] as const;
/** Bytes of a message to the clients that do not read. Each of these clients gets the message once for each key. */
const BULK = 40_000;

export interface SoakResult {
  readonly samples: readonly Sample[];
  readonly faults: ClientFaults;
  readonly gaps: number;
  readonly deliveries: number;
  readonly visits: Readonly<Record<string, number>>;
  /** Streams that ended, by reason. */
  readonly disconnects: Readonly<Record<string, number>>;
  /** Number of connections of the clients that stay, which were cut or lost. */
  readonly cuts: number;
}

export class Soak {
  readonly #service: SoakedService;
  readonly #settings: SoakSettings;
  readonly #random: Random;
  readonly #book = new MessageBook();
  readonly #members: ChaosMember[] = [];
  readonly #pages: ResumingFollower[] = [];
  readonly #visits: Record<string, number> = {};
  readonly #start = Date.now();
  readonly #samples: Sample[] = [];

  constructor(service: SoakedService, settings: SoakSettings) {
    this.#service = service;
    this.#settings = settings;
    this.#random = seededRandom(settings.seed);
  }

  /** Runs rounds until the time is over. @param onSample called with the sample after each round. */
  async run(onSample: (sample: Sample) => void): Promise<SoakResult> {
    const end = this.#start + this.#settings.minutes * 60_000;
    const network = await this.#connect();
    try {
      while (Date.now() < end) {
        await this.#load(network);
        await this.#becomeQuiet();
        const sample = await this.#sample();
        this.#samples.push(sample);
        onSample(sample);
      }
      return await this.#sumUp(network);
    } finally {
      for (const client of [...this.#members, ...this.#pages]) client.close();
      await network.close();
    }
  }

  /** Connects the clients that stay, and that must receive everything. */
  async #connect(): Promise<Network> {
    await fillHistory(this.#service.url, this.#book, HISTORY);
    const network = await startNetwork(this.#service.url, this.#random);
    for (let index = 0; index < MEMBERS; index++) {
      this.#members.push(new ChaosMember(network.url, index, this.#book, this.#random, TOKEN_LIFE));
    }
    for (let index = 0; index < PAGES; index++) {
      this.#pages.push(new ResumingFollower(network.url, index, this.#book));
    }
    for (const { client } of this.#members) await client.connected();
    await eventually(() => this.#pages.every((page) => page.isConnected()), "the pages connect");
    for (const client of [...this.#members, ...this.#pages]) client.begin();
    return network;
  }

  /** One round: visitors, messages, changes and cuts at the same time. */
  async #load(network: Network): Promise<void> {
    const { url } = this.#service;
    const random = this.#random;
    const world: VisitorWorld = { url, random, slow: new Set(), cursors: [] };
    const end = Date.now() + ROUND;
    const isOver = () => Date.now() >= end;
    await Promise.all([
      publishUntil(url, this.#book, random, isOver, MOST_PUBLISH_PAUSE),
      this.#publishBulk(isOver),
      this.#cutUntil(network, isOver),
      ...Array.from({ length: VISITORS_AT_ONCE }, () => visitUntil(world, this.#visits, isOver)),
      ...this.#members.map(async (member) => {
        for (; !isOver(); await pause(random.between(50, 500))) member.change();
      }),
    ]);
    for (const { socket } of world.slow) socket.resetAndDestroy();
  }

  async #publishBulk(isOver: () => boolean): Promise<void> {
    for (; !isOver(); await pause(3000)) {
      // Private, so that the clients with the key "*" do not get it.
      const message = { topic: "bulk", data: "x".repeat(BULK), private: true };
      await publish(this.#service.url, message);
    }
  }

  async #cutUntil(network: Network, isOver: () => boolean): Promise<void> {
    const random = this.#random;
    while (!isOver()) {
      await pause(random.between(300, 1500));
      if (random.chance(0.2)) await network.stall(random.between(100, MOST_STALL));
      else if (random.chance(0.3)) network.proxy.useBudgets(random.chance(0.5));
      else network.proxy.cutRandom(random.between(1, MEMBERS));
    }
    network.proxy.useBudgets(false);
  }

  /** Waits until the clients that stay have everything, and are the only ones that the service has. */
  async #becomeQuiet(): Promise<void> {
    const { url, services } = this.#service;
    const staying = [...this.#members, ...this.#pages];
    await calmDown(url, this.#book, staying);
    for (const client of staying) client.settle();
    const hasOnlyThem = async () => (await readStats(url)).clients === staying.length;
    await eventually(hasOnlyThem, `${staying.length} clients are left`, 60_000);
    if (this.#settings.isCluster) return;
    const port = Number(new URL(services[0]?.url ?? url).port);
    const connections = () => openConnections(port).size;
    await eventually(
      () => connections() === staying.length,
      `${staying.length} connections are left`,
      60_000,
    ).catch((error) => {
      throw new Error(`${error.message}, and not ${connections()}`);
    });
  }

  async #sample(): Promise<Sample> {
    const { url, services } = this.#service;
    const reports = await Promise.all(services.map(lookInside));
    const pids = services.map(({ process }) => process.pid ?? 0);
    const sum = (numbers: readonly number[]) => numbers.reduce((all, one) => all + one, 0);
    // Counted before the next request, which opens a connection.
    const files = sum(pids.map(countDescriptors));
    const rss = sum(pids.map(residentBytes));
    const { connects } = await readStats(url);
    return {
      at: Math.round((Date.now() - this.#start) / 1000),
      connects,
      messages: this.#book.count,
      rss,
      files,
      heap: sum(reports.map(({ heap }) => heap)),
      handles: sum(reports.map(({ handles }) => handles)),
      delay: Math.max(...reports.map(({ delay }) => delay)),
    };
  }

  async #sumUp({ proxy }: Network): Promise<SoakResult> {
    const staying = [...this.#members, ...this.#pages];
    const sum = (numbers: readonly number[]) => numbers.reduce((all, one) => all + one, 0);
    const { disconnects } = await readStats(this.#service.url);
    return {
      samples: this.#samples,
      faults: this.#book.faults,
      gaps: sum([
        ...this.#members.map(({ client }) => client.gaps()),
        ...this.#pages.map(({ gaps }) => gaps),
      ]),
      deliveries: sum(
        staying.map((one) => ("counts" in one ? one.counts.deliveries : one.deliveries)),
      ),
      visits: this.#visits,
      disconnects,
      cuts: proxy.kills.random + proxy.kills.budget,
    };
  }
}
