import { nanoid } from "nanoid";
import { RealtimeError } from "../../../realtime/errors.ts";
import type { Logger } from "../../../realtime/types.ts";
import type { Milliseconds } from "../../../realtime/units.ts";
import {
  type Bus,
  type BusCall,
  type BusHandler,
  CALL_TIMEOUT,
  type LivingProcess,
} from "../../../registry/cluster/bus.ts";
import { newHome } from "../../../registry/cluster/home.ts";
import type { RegistryStats } from "../../../registry/registry.ts";
import { type RpcResult, toRpcResult } from "../../../registry/rpc.ts";
import { RedisConnection } from "./connection.ts";
import { Heartbeats } from "./heartbeats.ts";

/** Maximum number of calls that wait for a result. */
const MAX_PENDING = 10_000;

/** Maximum length of a message between processes. */
const MAX_MESSAGE = 16 * 1024 * 1024;

/**
 * Time that other processes may need to subscribe again after this process has done so. Until then, a process without a
 * subscription does not count as gone.
 */
const RESUBSCRIBE_TIME: Milliseconds = 3000;

/** Time until a process without a subscription is called again. */
const RESUBSCRIBE_DELAY: Milliseconds = 250;

/** A message between two processes. */
type BusMessage =
  | { readonly type: "call"; readonly id: string; readonly from: string; readonly call: BusCall }
  | { readonly type: "result"; readonly id: string; readonly result: RpcResult<unknown> }
  | { readonly type: "echo"; readonly id: string };

interface PendingCall {
  readonly resolve: (result: RpcResult<unknown>) => void;
  readonly reject: (error: RealtimeError) => void;
}

/** Options of `RedisBus`. */
export interface RedisBusOptions {
  readonly url: string;
  /** Beginning of the names of all keys and channels. */
  readonly prefix: string;
  readonly logger?: Logger | undefined;
}

/** A bus over Redis Pub/Sub. Each process subscribes to a channel of its own, `{prefix}:to:<home>`. */
export class RedisBus implements Bus {
  readonly home: string = newHome();
  readonly #prefix: string;
  readonly #logger: Logger | undefined;
  readonly #commands: RedisConnection;
  readonly #subscriber: RedisConnection;
  readonly #heartbeats: Heartbeats;
  readonly #pending = new Map<string, PendingCall>();
  #handler: BusHandler | undefined;
  /** When this process has subscribed again after its connection had ended, by `performance.now`. */
  #subscribedAgainAt = Number.NEGATIVE_INFINITY;
  #isOpen = false;

  constructor({ url, prefix, logger }: RedisBusOptions) {
    this.#prefix = prefix;
    this.#logger = logger;
    this.#commands = new RedisConnection(url);
    this.#subscriber = new RedisConnection(url, async (client) => {
      await client.subscribe(this.#channelOf(this.home), (text) => this.#onMessage(text));
      if (this.#isOpen) this.#onSubscribedAgain();
    });
    this.#heartbeats = new Heartbeats({
      home: this.home,
      base: `{${prefix}}:`,
      commands: this.#commands,
      subscriber: this.#subscriber,
      sendEcho: (id) => this.#publish(this.home, { type: "echo", id }),
      logger,
    });
  }

  /** Subscribes. @throws RealtimeError `unreachable`. */
  async open(): Promise<void> {
    await this.#subscriber.client();
    this.#isOpen = true;
  }

  start(handler: BusHandler, stats: () => Promise<RegistryStats>): Promise<void> {
    this.#handler = handler;
    return this.#heartbeats.start(stats);
  }

  async call(
    home: string,
    call: BusCall,
    timeout: Milliseconds = CALL_TIMEOUT,
  ): Promise<RpcResult<unknown> | undefined> {
    if (this.#pending.size >= MAX_PENDING) throw tooManyCalls();
    const id = nanoid();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const result = new Promise<RpcResult<unknown>>((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
      timer = setTimeout(() => reject(noAnswer(home)), timeout);
    });
    try {
      const published = this.#publishCall(home, id, call);
      // Redis may not answer in time, or the result may arrive before the answer of Redis.
      const isReached = await Promise.race([published, result.then(() => true)]);
      return isReached ? await result : undefined;
    } finally {
      clearTimeout(timer);
      this.#pending.delete(id);
    }
  }

  living(): Promise<readonly LivingProcess[]> {
    return this.#heartbeats.living();
  }

  async leave(): Promise<void> {
    await this.#heartbeats.leave();
  }

  async close(): Promise<void> {
    this.#heartbeats.stop();
    for (const { reject } of this.#pending.values()) reject(noAnswer(this.home));
    this.#subscriber.close();
    this.#commands.close();
  }

  /**
   * Publishes a call. Returns false if the process is gone. After a restart of Redis, all processes subscribe again within a short
   * time, so a process without a subscription is not gone yet.
   */
  async #publishCall(home: string, id: string, call: BusCall): Promise<boolean> {
    while (this.#pending.has(id)) {
      // Without a subscription, this process would not receive the result.
      const subscription = await this.#subscriber.client();
      const message: BusMessage = { type: "call", id, from: this.home, call };
      if ((await this.#publish(home, message)) > 0) return true;
      const isSettled = performance.now() - this.#subscribedAgainAt > RESUBSCRIBE_TIME;
      // If this process has lost its subscription too, it may not have noticed yet. It may also have subscribed again meanwhile.
      if (isSettled && (await this.#publish(this.home, { type: "echo", id })) > 0) {
        if ((await this.#subscriber.client()) === subscription) return false;
      }
      await new Promise((resolve) => setTimeout(resolve, RESUBSCRIBE_DELAY));
    }
    return true;
  }

  /** Returns the number of processes that have received the message. @throws RealtimeError `too_large` or `unreachable`. */
  async #publish(home: string, message: BusMessage): Promise<number> {
    const text = JSON.stringify(message);
    if (text.length > MAX_MESSAGE) throw tooLarge();
    return Number(await this.#commands.send(["PUBLISH", this.#channelOf(home), text]));
  }

  #onSubscribedAgain(): void {
    this.#subscribedAgainAt = performance.now();
    // Redis may have lost the list of living processes.
    this.#heartbeats.beat();
  }

  #onMessage(text: string): void {
    let message: BusMessage;
    try {
      // The cast: only processes of this cluster publish on the channel.
      message = JSON.parse(text) as BusMessage;
    } catch (error) {
      this.#logger?.warn("a message on the channel of this process is not JSON", {
        error: String(error),
      });
      return;
    }
    if (message.type === "call") void this.#answer(message);
    else if (message.type === "echo") this.#heartbeats.onEcho(message.id);
    else this.#pending.get(message.id)?.resolve(message.result);
  }

  async #answer({ id, from, call }: Extract<BusMessage, { type: "call" }>): Promise<void> {
    const result = await this.#handler?.(call);
    if (result === undefined) return;
    const answer = (one: RpcResult<unknown>) =>
      this.#publish(from, { type: "result", id, result: one });
    await answer(result)
      .catch(async (error) => answer(await toRpcResult(() => Promise.reject(error))))
      // If Redis is away, the caller's time runs out.
      .catch(() => undefined);
  }

  #channelOf(home: string): string {
    return `{${this.#prefix}}:to:${home}`;
  }
}

function tooManyCalls(): RealtimeError {
  return new RealtimeError(
    "unreachable",
    "Too many calls to other processes are waiting. Try again soon.",
  );
}

function tooLarge(): RealtimeError {
  return new RealtimeError(
    "too_large",
    `A message between two processes has more than ${MAX_MESSAGE} characters. Send less data, or request fewer items.`,
  );
}

function noAnswer(home: string): RealtimeError {
  return new RealtimeError("unreachable", `The process ${home} does not answer. Try again soon.`);
}
