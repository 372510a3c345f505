import { nanoid } from "nanoid";
import type { Logger } from "../../../realtime/types.ts";
import type { Milliseconds } from "../../../realtime/units.ts";
import type { LivingProcess } from "../../../registry/cluster/bus.ts";
import type { RegistryStats } from "../../../registry/registry.ts";
import type { RedisConnection } from "./connection.ts";

/** Time between two heartbeats. */
const INTERVAL: Milliseconds = 5000;

/** Time after its last heartbeat until a process counts as gone. */
const LIFETIME: Milliseconds = 15_000;

/** Time in which a message to oneself must arrive. */
const ECHO_TIMEOUT: Milliseconds = 2000;

/** Time between two checks whether the subscription is still connected. */
const CHECK_INTERVAL: Milliseconds = 500;

/** Options of `Heartbeats`. */
export interface HeartbeatOptions {
  readonly home: string;
  /** Beginning of the names of the keys. */
  readonly base: string;
  readonly commands: RedisConnection;
  /** The connection that receives the messages of other processes. */
  readonly subscriber: RedisConnection;
  /** Publishes a message to this process itself. */
  readonly sendEcho: (id: string) => Promise<unknown>;
  readonly logger: Logger | undefined;
}

/**
 * Keeps this process among the living, and its subscription alive. A subscription may go silent without an error
 * (https://github.com/oven-sh/bun/issues/21622), so each heartbeat sends a message to this process itself.
 *
 * The sorted set `homes` has the time at which each process counts as gone. The hash `stats` has the statistics of each process.
 */
export class Heartbeats {
  readonly #options: HeartbeatOptions;
  readonly #homes: string;
  readonly #statsKey: string;
  #stats: (() => Promise<RegistryStats>) | undefined;
  #beat: ReturnType<typeof setInterval> | undefined;
  #check: ReturnType<typeof setInterval> | undefined;
  #echo: { readonly id: string; readonly timer: ReturnType<typeof setTimeout> } | undefined;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
    this.#homes = `${options.base}homes`;
    this.#statsKey = `${options.base}stats`;
  }

  start(stats: () => Promise<RegistryStats>): void {
    this.#stats = stats;
    const beat = () => void this.#send().catch((error) => this.#onFailure(error));
    beat();
    this.#beat = setInterval(beat, INTERVAL);
    const { subscriber } = this.#options;
    // Opens the connection again if it has ended. Fails while Redis is away.
    this.#check = setInterval(
      () => void subscriber.client().catch(() => undefined),
      CHECK_INTERVAL,
    );
  }

  /** Lists the living processes, sorted by name. @throws RealtimeError `unreachable`. */
  async living(): Promise<readonly LivingProcess[]> {
    const { commands } = this.#options;
    const now = await this.#now();
    // The casts: Redis answers the commands in these forms.
    const homes = (await commands.send([
      "ZRANGEBYSCORE",
      this.#homes,
      String(now),
      "+inf",
    ])) as string[];
    if (homes.length === 0) return [];
    const stats = (await commands.send(["HMGET", this.#statsKey, ...homes])) as (string | null)[];
    return homes
      .flatMap((home, index) => {
        const text = stats[index];
        return typeof text === "string" ? [{ home, stats: JSON.parse(text) as RegistryStats }] : [];
      })
      .sort((a, b) => (a.home < b.home ? -1 : 1));
  }

  /** Removes this process from the living. Does nothing if Redis is away: the process then counts as gone after a while. */
  async leave(): Promise<void> {
    clearInterval(this.#beat);
    await this.#remove([this.#options.home]).catch(() => undefined);
  }

  stop(): void {
    clearInterval(this.#beat);
    clearInterval(this.#check);
    clearTimeout(this.#echo?.timer);
  }

  /** Must be called when a message to this process itself has arrived. */
  onEcho(id: string): void {
    if (this.#echo?.id !== id) return;
    clearTimeout(this.#echo.timer);
    this.#echo = undefined;
  }

  async #send(): Promise<void> {
    const { commands, home, sendEcho } = this.#options;
    const now = await this.#now();
    const stats = JSON.stringify(await this.#stats?.());
    await commands.send(["HSET", this.#statsKey, home, stats]);
    await commands.send(["ZADD", this.#homes, String(now + LIFETIME), home]);
    const gone = (await commands.send([
      "ZRANGEBYSCORE",
      this.#homes,
      "-inf",
      String(now),
    ])) as string[];
    if (gone.length > 0) await this.#remove(gone);
    const id = nanoid();
    clearTimeout(this.#echo?.timer);
    this.#echo = { id, timer: setTimeout(() => this.#onSilence(), ECHO_TIMEOUT) };
    await sendEcho(id);
  }

  #onSilence(): void {
    this.#echo = undefined;
    this.#options.logger?.warn("messages of other processes don't arrive; connecting again");
    this.#options.subscriber.disconnect();
  }

  #onFailure(error: unknown): void {
    this.#options.logger?.warn("the heartbeat can't be sent", { error: String(error) });
  }

  async #remove(homes: readonly string[]): Promise<void> {
    const { commands } = this.#options;
    await commands.send(["ZREM", this.#homes, ...homes]);
    await commands.send(["HDEL", this.#statsKey, ...homes]);
  }

  /** The clock of Redis, in milliseconds since 1970. */
  async #now(): Promise<number> {
    const [seconds, microseconds] = (await this.#options.commands.send(["TIME"])) as string[];
    return Number(seconds) * 1000 + Math.floor(Number(microseconds) / 1000);
  }
}
