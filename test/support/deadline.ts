/** Waits with a deadline, and with a label that names the missing event in the error. */

export async function within<T>(
  promise: Promise<T>,
  milliseconds: number,
  label: string,
): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | null = null;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`Not within ${milliseconds} ms: ${label}`)),
      milliseconds,
    );
  });
  try {
    return await Promise.race([promise, deadline]);
  } finally {
    if (timer !== null) clearTimeout(timer);
  }
}

/** Calls a function repeatedly until the result is neither false nor undefined. */
export async function eventually<T>(
  ask: () => T | Promise<T>,
  label: string,
  milliseconds = 30_000,
): Promise<Exclude<T, false | undefined>> {
  const end = Date.now() + milliseconds;
  for (;;) {
    const answer = await ask();
    if (answer !== false && answer !== undefined) return answer as Exclude<T, false | undefined>;
    if (Date.now() > end) throw new Error(`Not within ${milliseconds} ms: ${label}`);
    await pause(10);
  }
}

/** Waits for a fixed time. Only for tests of elapsed time (a ping, a silence), never to wait for a result. */
export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
