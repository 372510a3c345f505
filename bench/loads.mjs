// The loads that several benchmarks put on servers.

/** Numbers of messages in flight at once. */
export const WINDOWS = [1, 16];

export function titleOf(window) {
  return window === 1 ? "one at a time" : `${window} in flight`;
}

/** The load of the comparison with other servers. `quick` is a tenth of the messages. */
export function comparisonLoad(clients, window, { quick, timeout }) {
  const scale = Math.min(1, 1000 / clients) * (quick ? 0.1 : 1);
  return {
    clients,
    window,
    messages: Math.ceil((window === 1 ? 1000 : 3000) * scale),
    warmup: Math.ceil(300 * scale),
    settle: quick ? 200 : 1500,
    ...(timeout !== undefined && { timeout }),
  };
}

/** The load of the comparison of several processes. */
export function clusterLoad(window, { quick, timeout }) {
  const part = quick ? 0.1 : 1;
  return {
    ...{ clients: 1000, window, size: 130, settle: 500 },
    ...{ messages: Math.ceil((window === 1 ? 400 : 2000) * part), warmup: Math.ceil(200 * part) },
    ...(timeout !== undefined && { timeout }),
  };
}
