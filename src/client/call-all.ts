/** Calls each listener. An error of one of them is reported like any uncaught error, and does not keep the others from running. */
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
