import { RealtimeError } from "../../realtime/errors.ts";
import type { Milliseconds } from "../../realtime/units.ts";
import { fromRpcResult, type RpcResult } from "../rpc.ts";
import type { HubStub } from "./protocol.ts";

/** Makes one RPC call on the stub of a hub. */
type HubCall<T> = (hub: HubStub) => Promise<RpcResult<T>>;

const RETRY_DELAYS: readonly Milliseconds[] = [50, 250];

/** The delays before the retries of `wake`. The hub may need some time to start again. */
const WAKE_DELAYS: readonly Milliseconds[] = [250, 1000, 5000, 15_000];

const WAKE_INTERVAL: Milliseconds = 1000;

/** The hubs of a registry. Selects a shard, calls its hub, and retries calls that fail. */
export class HubShards {
  readonly #hub: (shard: number) => HubStub;
  readonly #retryDelays: readonly Milliseconds[];
  readonly count: number;
  /** By shard, when `wake` last called its hub, in milliseconds since 1970. */
  readonly #wokenAt = new Map<number, number>();

  /** The parameters are those of `DurableObjectRegistryOptions`. */
  constructor(
    hub: (shard: number) => HubStub,
    count: number,
    retryDelays: readonly Milliseconds[] = RETRY_DELAYS,
  ) {
    this.#hub = hub;
    this.count = count;
    this.#retryDelays = retryDelays;
  }

  /**
   * Returns the shard in a client id or cursor. Undefined for other text, and for a shard that no longer exists because the
   * number of shards was reduced.
   */
  shardOf(id: string | undefined): number | undefined {
    const shard = Number(/^(\d{1,9})-/.exec(id ?? "")?.[1] ?? Number.NaN);
    return shard < this.count ? shard : undefined;
  }

  /** Returns a random shard. */
  pick(): number {
    return Math.floor(Math.random() * this.count);
  }

  /**
   * Calls one hub, and retries if the call throws. A call that throws may have run in the hub: perhaps only its response was
   * lost. Use this method only for calls that can be repeated: to open a stream, to publish with message ids, to revoke, and to
   * read or replace something.
   *
   * @throws RealtimeError the hub's error, or `unreachable` when all attempts failed.
   */
  call<T>(shard: number, call: HubCall<T>): Promise<T> {
    return this.#callWithRetries(shard, call, this.#retryDelays);
  }

  /** Calls one hub without retries, for calls that must not be repeated. Throws as `call`. */
  callOnce<T>(shard: number, call: HubCall<T>): Promise<T> {
    return this.#callWithRetries(shard, call, []);
  }

  /**
   * Wakes a hub that has lost its sockets. The promise never rejects. Undefined if the hub was woken less than a second ago: all
   * sockets of a hub break at once.
   */
  wake(shard: number): Promise<unknown> | undefined {
    const now = Date.now();
    if (now - (this.#wokenAt.get(shard) ?? 0) < WAKE_INTERVAL) return undefined;
    this.#wokenAt.set(shard, now);
    return this.#callWithRetries(shard, (hub) => hub.wake(), WAKE_DELAYS).catch(() => {});
  }

  /** Calls the hubs of all shards from `firstShard` on at the same time. Throws as `call`. */
  callAll<T>(call: HubCall<T>, firstShard = 0): Promise<T[]> {
    return Promise.all(this.numbersFrom(firstShard).map((shard) => this.call(shard, call)));
  }

  /** Returns the indexes of the shards from `first` on. */
  numbersFrom(first: number): number[] {
    return Array.from({ length: this.count - first }, (_, index) => first + index);
  }

  async #callWithRetries<T>(
    shard: number,
    call: HubCall<T>,
    retryDelays: readonly Milliseconds[],
  ): Promise<T> {
    for (let attempt = 0; ; attempt++) {
      let result: RpcResult<T>;
      try {
        // A new stub for each attempt, because a stub that has failed once fails again.
        result = await call(this.#hub(shard));
      } catch (cause) {
        const delay = retryDelays[attempt];
        if (delay === undefined) throw unreachable(shard, cause);
        await new Promise((resolve) => setTimeout(resolve, delay));
        continue;
      }
      return fromRpcResult(result);
    }
  }
}

function unreachable(shard: number, cause: unknown): RealtimeError {
  return new RealtimeError(
    "unreachable",
    `Shard ${shard} could not be reached. Try again soon. If you publish a message again, send it with the same id: the message is then delivered only once.`,
    { cause },
  );
}
