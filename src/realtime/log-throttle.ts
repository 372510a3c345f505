/** Milliseconds between two lines of one kind: an operator must hear of it, and an attack must not fill the log. */
const LOG_INTERVAL = 60_000;

/**
 * Logs what may happen very often: the first time at once, then one line a minute with `count`, how often it has happened
 * since the line before.
 *
 * @param now Milliseconds since any fixed time.
 */
export function createLogThrottle<Fields extends object>(
  log: (fields: Fields & { readonly count: number }) => void,
  now: () => number,
): (fields: Fields) => void {
  let count = 0;
  let loggedAt = Number.NEGATIVE_INFINITY;
  return (fields) => {
    count += 1;
    const at = now();
    // A clock that was set back must not silence the log.
    if (at >= loggedAt && at - loggedAt < LOG_INTERVAL) return;
    loggedAt = at;
    log({ ...fields, count });
    count = 0;
  };
}
