export interface RoundRobinProxy {
  readonly url: string;
  /** Replaces the processes for later requests. */
  retarget(urls: readonly string[]): void;
  close(): Promise<unknown>;
}

/** Starts a load balancer that sends each request to the next process. */
export function startRoundRobinProxy(
  targets: readonly string[],
  port?: number,
): Promise<RoundRobinProxy>;
