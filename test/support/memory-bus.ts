import { RealtimeError } from "../../src/realtime/errors.ts";
import type { Bus, BusCall, BusHandler, LivingProcess } from "../../src/registry/cluster/bus.ts";
import { newHome } from "../../src/registry/cluster/home.ts";
import type { RegistryStats } from "../../src/registry/registry.ts";
import type { RpcResult } from "../../src/registry/rpc.ts";

/** Faults of a process, as the other processes see it. Set for one process, or for the calls of one method. */
export type BusFault =
  /** The process does not receive the call. */
  | "silent"
  /** The process runs the call, and its answer is lost. */
  | "answer lost"
  /** The process has ended. It is still among the living, because its last heartbeat has not expired. */
  | "killed";

/** The processes of one cluster. */
export class MemoryNetwork {
  readonly processes = new Map<string, MemoryBus>();
  /** Whether the service that connects the processes is away. */
  isAway = false;

  connect(): MemoryBus {
    return new MemoryBus(this);
  }
}

/**
 * A bus between registries of one test. Calls and results are copied through JSON, as between processes. A call without an answer
 * fails at once, so that a test need not wait.
 */
export class MemoryBus implements Bus {
  readonly home: string = newHome();
  /** The names of the calls that this process has received. */
  readonly received: string[] = [];
  /** The faults of the next calls, one for each call. */
  readonly faults: BusFault[] = [];
  /** The fault of all further calls. */
  fault: BusFault | undefined;
  readonly #network: MemoryNetwork;
  #handler: BusHandler | undefined;
  #stats: (() => Promise<RegistryStats>) | undefined;
  #lastStats: string | undefined;
  #isLiving = false;

  constructor(network: MemoryNetwork) {
    this.#network = network;
  }

  async start(handler: BusHandler, stats: () => Promise<RegistryStats>): Promise<void> {
    this.#handler = handler;
    this.#stats = stats;
    this.#isLiving = true;
    this.#network.processes.set(this.home, this);
  }

  /** Sends a heartbeat. The bus otherwise sends one when it is needed. */
  async beat(): Promise<void> {
    this.#lastStats = JSON.stringify(await this.#stats?.());
  }

  async call(home: string, call: BusCall): Promise<RpcResult<unknown> | undefined> {
    this.#assertConnected();
    const process = this.#network.processes.get(home);
    return process && copy(await process.#receive(copy(call)));
  }

  async living(): Promise<readonly LivingProcess[]> {
    this.#assertConnected();
    const living: LivingProcess[] = [];
    for (const bus of this.#network.processes.values()) {
      if (!bus.#isLiving) continue;
      if (bus.fault === undefined) await bus.beat();
      living.push({ home: bus.home, stats: JSON.parse(bus.#lastStats ?? "{}") });
    }
    return living.sort((a, b) => (a.home < b.home ? -1 : 1));
  }

  async leave(): Promise<void> {
    this.#assertConnected();
    this.#isLiving = false;
  }

  async close(): Promise<void> {
    this.#network.processes.delete(this.home);
  }

  async #receive(call: BusCall): Promise<RpcResult<unknown> | undefined> {
    const fault = this.faults.shift() ?? this.fault;
    if (fault === "killed") return undefined;
    if (fault === "silent") throw noAnswer();
    this.received.push(call.method);
    const result = await this.#handler?.(call);
    if (fault === "answer lost") throw noAnswer();
    return result;
  }

  #assertConnected(): void {
    if (this.#network.isAway) throw noAnswer();
  }
}

function noAnswer(): RealtimeError {
  return new RealtimeError("unreachable", "The process does not answer.");
}

function copy<T>(value: T): T {
  return value === undefined ? value : JSON.parse(JSON.stringify(value));
}
