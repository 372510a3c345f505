import { nanoid } from "nanoid";
import { settledWithin } from "../../../realtime/settled-within.ts";
import type { Logger } from "../../../realtime/types.ts";
import type { Milliseconds } from "../../../realtime/units.ts";
import type { LivingProcess } from "../../../registry/cluster/bus.ts";
import type { RegistryStats } from "../../../registry/registry.ts";
import type { RedisConnection } from "./connection.ts";
import { BEAT_SCRIPT, LEAVE_SCRIPT, LIVING_SCRIPT } from "./heartbeat-scripts.ts";
import { RedisScript } from "./redis-script.ts";

/** Time between two heartbeats. */
const INTERVAL: Milliseconds = 5000;

/** Time after its last heartbeat until a process counts as gone. */
const LIFETIME: Milliseconds = 15_000;

/** Time in which a message to oneself must arrive. */
const ECHO_TIMEOUT: Milliseconds = 2000;

/** Time between two checks whether the subscription is still connected. */
const CHECK_INTERVAL: Milliseconds = 500;

const scripts = {
  beat: new RedisScript(BEAT_SCRIPT),
  living: new RedisScript(LIVING_SCRIPT),
  leave: new RedisScript(LEAVE_SCRIPT),
};

/** Time that a process that stops waits for Redis. */
const LEAVE_TIMEOUT: Milliseconds = 1000;

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
 */
export class Heartbeats {
  readonly #options: HeartbeatOptions;
  #stats: (() => Promise<RegistryStats>) | undefined;
  #interval: ReturnType<typeof setInterval> | undefined;
  /** The heartbeat that is being sent. */
  #sending: Promise<void> | undefined;
  #hasLeft = false;
  #check: ReturnType<typeof setInterval> | undefined;
  #echo: { readonly id: string; readonly timer: ReturnType<typeof setTimeout> } | undefined;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
  }

  /** Resolves when the first heartbeat is sent or has failed. */
  start(stats: () => Promise<RegistryStats>): Promise<void> {
    this.#stats = stats;
    this.beat();
    this.#interval = setInterval(() => this.beat(), INTERVAL);
    this.#check = setInterval(() => this.#subscribe(), CHECK_INTERVAL);
    return this.#sending ?? Promise.resolve();
  }

  /** Sends a heartbeat, unless one is being sent. */
  beat(): void {
    if (this.#stats === undefined || this.#hasLeft) return;
    this.#sending ??= this.#send()
      .catch((error) => this.#onFailure(error))
      .finally(() => {
        this.#sending = undefined;
      });
  }

  /** Lists the living processes, sorted by name. @throws RealtimeError `unreachable`. */
  async living(): Promise<readonly LivingProcess[]> {
    // The cast: the script returns the name and the statistics of each process.
    const fields = (await this.#run(scripts.living)) as string[];
    const living: LivingProcess[] = [];
    for (let index = 0; index < fields.length; index += 2) {
      const stats = JSON.parse(fields[index + 1] ?? "") as RegistryStats;
      living.push({ home: fields[index] ?? "", stats });
    }
    return living.sort((a, b) => (a.home < b.home ? -1 : 1));
  }

  /** Removes this process from the living. Does nothing if Redis is away: the process then counts as gone after a while. */
  async leave(): Promise<void> {
    this.#hasLeft = true;
    clearInterval(this.#interval);
    // If Redis does not answer, the clients must not wait for that.
    await settledWithin(this.#leave(), LEAVE_TIMEOUT);
  }

  stop(): void {
    this.#hasLeft = true;
    clearInterval(this.#interval);
    clearInterval(this.#check);
    clearTimeout(this.#echo?.timer);
  }

  /** Must be called when a message to this process itself has arrived. */
  onEcho(id: string): void {
    if (this.#echo?.id !== id) return;
    clearTimeout(this.#echo.timer);
    this.#echo = undefined;
  }

  async #leave(): Promise<void> {
    // A heartbeat that arrives later would add the process again.
    await this.#sending;
    await this.#run(scripts.leave, [this.#options.home]).catch(() => undefined);
  }

  async #send(): Promise<void> {
    const { home, sendEcho } = this.#options;
    const stats = JSON.stringify(await this.#stats?.());
    await this.#run(scripts.beat, [home, stats, String(LIFETIME)]);
    if (this.#hasLeft) return;
    const id = nanoid();
    clearTimeout(this.#echo?.timer);
    this.#echo = { id, timer: setTimeout(() => this.#onSilence(), ECHO_TIMEOUT) };
    await sendEcho(id);
  }

  #onSilence(): void {
    this.#echo = undefined;
    this.#options.logger?.warn("messages of other processes don't arrive; connecting again");
    this.#options.subscriber.disconnect();
    this.#subscribe();
  }

  /** Opens the connection again if it has ended. Fails while Redis is away. */
  #subscribe(): void {
    this.#options.subscriber.client().catch(() => undefined);
  }

  #onFailure(error: unknown): void {
    if (this.#hasLeft) return;
    this.#options.logger?.warn("the heartbeat can't be sent", { error: String(error) });
  }

  #run(script: RedisScript, args: readonly string[] = []): Promise<unknown> {
    return script.run(this.#options.commands, this.#options.base, args);
  }
}
