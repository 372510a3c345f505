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
import type { RpcResult } from "../../../registry/rpc.ts";
import { RedisConnection } from "./connection.ts";
import { Heartbeats } from "./heartbeats.ts";

/** Maximum number of calls that wait for a result. */
const MAX_PENDING = 10_000;

/** Maximum length of a message between processes. */
const MAX_MESSAGE = 16 * 1024 * 1024;

/** Time after this process has subscribed during which other processes may not have subscribed again yet. */
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
  readonly #commands: RedisConnection;
  readonly #subscriber: RedisConnection;
  readonly #heartbeats: Heartbeats;
  readonly #pending = new Map<string, PendingCall>();
  #handler: BusHandler | undefined;
  /** When this process has last subscribed, by `performance.now`. */
  #subscribedAt = Number.NEGATIVE_INFINITY;

  constructor({ url, prefix, logger }: RedisBusOptions) {
    this.#prefix = prefix;
    this.#commands = new RedisConnection(url);
    this.#subscriber = new RedisConnection(url, async (client) => {
      await client.subscribe(this.#channelOf(this.home), (text) => this.#onMessage(text));
      this.#subscribedAt = performance.now();
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
  }

  start(handler: BusHandler, stats: () => Promise<RegistryStats>): void {
    this.#handler = handler;
    this.#heartbeats.start(stats);
  }

  async call(
    home: string,
    call: BusCall,
    timeout: Milliseconds = CALL_TIMEOUT,
  ): Promise<RpcResult<unknown> | undefined> {
    if (this.#pending.size >= MAX_PENDING) throw noAnswer(home);
    const id = nanoid();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const result = new Promise<RpcResult<unknown>>((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
      timer = setTimeout(() => reject(noAnswer(home)), timeout);
    });
    // The result may fail while the message is still being published.
    result.catch(() => undefined);
    try {
      const message: BusMessage = { type: "call", id, from: this.home, call };
      return (await this.#publishToProcess(home, message)) ? await result : undefined;
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
   * Publishes a message to a process. Returns false if the process is gone. After a restart of Redis, all processes subscribe again
   * within a short time, so a process without a subscription is not gone yet.
   */
  async #publishToProcess(home: string, message: BusMessage): Promise<boolean> {
    while ((await this.#publish(home, message)) === 0) {
      if (performance.now() - this.#subscribedAt > RESUBSCRIBE_TIME) return false;
      await new Promise((resolve) => setTimeout(resolve, RESUBSCRIBE_DELAY));
    }
    return true;
  }

  /** Returns the number of processes that have received the message. */
  async #publish(home: string, message: BusMessage): Promise<number> {
    const text = JSON.stringify(message);
    if (text.length > MAX_MESSAGE) {
      throw new RealtimeError(
        "unreachable",
        "The message to another process is too large. Request fewer items.",
      );
    }
    return Number(await this.#commands.send(["PUBLISH", this.#channelOf(home), text]));
  }

  #onMessage(text: string): void {
    // The cast: only processes of this cluster publish on the channel.
    const message = JSON.parse(text) as BusMessage;
    if (message.type === "call") void this.#answer(message);
    else if (message.type === "echo") this.#heartbeats.onEcho(message.id);
    else this.#pending.get(message.id)?.resolve(message.result);
  }

  async #answer({ id, from, call }: Extract<BusMessage, { type: "call" }>): Promise<void> {
    const result = await this.#handler?.(call);
    if (result === undefined) return;
    // If the result can't be published, the caller's time runs out.
    await this.#publish(from, { type: "result", id, result }).catch(() => undefined);
  }

  #channelOf(home: string): string {
    return `{${this.#prefix}}:to:${home}`;
  }
}

function noAnswer(home: string): RealtimeError {
  return new RealtimeError("unreachable", `The process ${home} does not answer. Try again soon.`);
}
