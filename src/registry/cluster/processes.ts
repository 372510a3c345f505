import type { Logger } from "../../realtime/types.ts";
import type { Milliseconds } from "../../realtime/units.ts";
import type { RegistryStats } from "../registry.ts";
import { fromRpcResult } from "../rpc.ts";
import { type Bus, CALL_TIMEOUT, type LivingProcess } from "./bus.ts";
import type { ProcessCalls } from "./process-calls.ts";

/** Time that statistics wait for a process. */
const STATS_TIMEOUT: Milliseconds = 1000;

type Result<Method extends keyof ProcessCalls> = Awaited<ReturnType<ProcessCalls[Method]>>;

/** The statistics of one process. */
export interface StatsOfProcess {
  readonly home: string;
  readonly stats: RegistryStats;
  /** Whether the process has not answered. `stats` are then those of its last heartbeat. */
  readonly isSilent: boolean;
}

/** The other processes of a cluster. Makes calls over the bus. */
export class Processes {
  readonly #bus: Bus;
  readonly #logger: Logger | undefined;

  constructor(bus: Bus, logger: Logger | undefined) {
    this.#bus = bus;
    this.#logger = logger;
  }

  /**
   * Calls a process, for calls that must not be repeated.
   *
   * @returns undefined if the process is gone.
   * @throws RealtimeError the error of the call, or `unreachable`.
   */
  async callOnce<Method extends keyof ProcessCalls>(
    home: string,
    method: Method,
    args: Parameters<ProcessCalls[Method]>,
    timeout: Milliseconds = CALL_TIMEOUT,
  ): Promise<Result<Method> | undefined> {
    const result = await this.#bus.call(home, { method, args }, timeout);
    // The cast: the other process calls the method with this name.
    return result && (fromRpcResult(result) as Result<Method>);
  }

  /**
   * Calls a process, and once more if the bus has failed. For calls that can be repeated. Returns and throws as `callOnce`.
   *
   * @param args The arguments, or a function that returns them for each attempt.
   */
  async call<Method extends keyof ProcessCalls>(
    home: string,
    method: Method,
    args: Parameters<ProcessCalls[Method]> | (() => Parameters<ProcessCalls[Method]>),
  ): Promise<Result<Method> | undefined> {
    const call = () =>
      this.#bus.call(home, { method, args: typeof args === "function" ? args() : args });
    const result = await call().catch(call);
    // The cast: as in `callOnce`.
    return result && (fromRpcResult(result) as Result<Method>);
  }

  /** Lists the other living processes, sorted by name. @throws RealtimeError `unreachable`. */
  async others(): Promise<readonly LivingProcess[]> {
    const living = await this.#bus.living();
    return living.filter(({ home }) => home !== this.#bus.home);
  }

  /**
   * Calls all other processes at the same time. A process that is gone is left out.
   *
   * @throws RealtimeError `unreachable` if a process does not answer, or if the processes can't be listed.
   */
  async callOthers<Method extends keyof ProcessCalls>(
    method: Method,
    args: Parameters<ProcessCalls[Method]>,
  ): Promise<Result<Method>[]> {
    const others = await this.others();
    const results = await Promise.all(others.map(({ home }) => this.call(home, method, args)));
    return results.filter((result) => result !== undefined);
  }

  /** Calls all other processes at the same time. A process that does not answer is left out, and a warning is logged. */
  async callReachable<Method extends keyof ProcessCalls>(
    method: Method,
    args: Parameters<ProcessCalls[Method]>,
  ): Promise<Result<Method>[]> {
    const warn = (error: unknown, home?: string): undefined => {
      this.#logger?.warn("a process does not answer", { home, method, error: String(error) });
    };
    const others = (await this.others().catch((error) => warn(error))) ?? [];
    const results = await Promise.all(
      others.map(({ home }) => this.call(home, method, args).catch((error) => warn(error, home))),
    );
    return results.filter((result) => result !== undefined);
  }

  /** Returns the statistics of all other processes. @throws RealtimeError `unreachable` if the processes can't be listed. */
  async stats(): Promise<readonly StatsOfProcess[]> {
    const others = await this.others();
    const all = await Promise.all(
      others.map(async ({ home, stats: last }): Promise<StatsOfProcess> => {
        const stats = await this.callOnce(home, "stats", [], STATS_TIMEOUT).catch(() => undefined);
        return { home, stats: stats ?? last, isSilent: stats === undefined };
      }),
    );
    return all;
  }
}
