import type { Milliseconds } from "../../realtime/units.ts";
import type { RegistryStats } from "../registry.ts";
import type { RpcResult } from "../rpc.ts";

/** A call to another process: a name of `ProcessCalls` and its arguments, as JSON values. */
export interface BusCall {
  readonly method: string;
  readonly args: readonly unknown[];
}

/** Answers the calls of other processes. Must not reject. */
export type BusHandler = (call: BusCall) => Promise<RpcResult<unknown>>;

/** A process of the cluster, as its last heartbeat describes it. */
export interface LivingProcess {
  /** Name of the process (`newHome`). */
  readonly home: string;
  /** The statistics of its last heartbeat. */
  readonly stats: RegistryStats;
}

/** Time until a call without an answer fails. */
export const CALL_TIMEOUT: Milliseconds = 2000;

/**
 * Connects the processes of a cluster. Each process has a name, its home. The home is a part of the client ids that the process
 * assigns, so that every process knows where a client is connected.
 */
export interface Bus {
  /** Name of this process: 8 letters and digits. */
  readonly home: string;
  /**
   * Begins to answer the calls of other processes, and to send heartbeats.
   *
   * @param stats Returns the statistics for a heartbeat.
   * @returns A promise that resolves when the other processes know this one, or when the first heartbeat has failed.
   */
  start(handler: BusHandler, stats: () => Promise<RegistryStats>): Promise<void>;
  /**
   * Calls a process.
   *
   * @param timeout Default `CALL_TIMEOUT`.
   * @returns undefined if no process has this name.
   * @throws RealtimeError `unreachable` if there is no answer in time, or if the bus has failed. The call may have run.
   */
  call(
    home: string,
    call: BusCall,
    timeout?: Milliseconds,
  ): Promise<RpcResult<unknown> | undefined>;
  /** Lists the living processes, sorted by name. Throws as `call`. */
  living(): Promise<readonly LivingProcess[]>;
  /** Removes this process from the living ones, so that no other process waits for it. It still answers calls. */
  leave(): Promise<void>;
  /** Closes the connections. */
  close(): Promise<void>;
}
