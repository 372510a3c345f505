/** Waits that end: every one has a deadline and a label that says what did not happen. */

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

/** Asks again and again until the answer is neither false nor undefined. */
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

/** Lets time pass where its passing is what is tested (a ping, a silence); never to wait for a result. */
export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
