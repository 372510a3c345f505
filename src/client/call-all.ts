/** Calls each listener. If a listener throws, the others still run, and the error is reported as an uncaught error. */
export function callAll<Args extends unknown[]>(
  listeners: Iterable<(...args: Args) => void>,
  ...args: Args
): void {
  // A copy, because a listener may remove itself.
  for (const listener of [...listeners]) {
    try {
      listener(...args);
    } catch (error) {
      setTimeout(() => {
        throw error;
      });
    }
  }
}
