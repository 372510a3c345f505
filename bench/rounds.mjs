// Runs the cases of a benchmark in interleaved rounds: each round measures every case once, so that a slow minute of the
// machine affects all of them.

/**
 * Measures every case in every round. A case that fails gets a result with `failure`, and the others go on.
 *
 * @param cases Each has a `name`, and `run(signal)` which returns its measured fields.
 * @param signal Ends the rounds. The results so far are returned.
 * @returns The results of each case by name, in the order of the rounds.
 */
export async function runRounds({ cases, rounds, signal, log = console.error }) {
  const results = new Map(cases.map(({ name }) => [name, []]));
  for (let round = 1; round <= rounds; round++) {
    for (const { name, run } of cases) {
      if (signal?.aborted) return results;
      const result = await run(signal).catch((error) => ({ failure: error.message }));
      // A measurement that was interrupted says nothing about the server.
      if (signal?.aborted) return results;
      results.get(name).push(result);
      log(`round ${round} of ${rounds}, ${name}: ${summary(result)}`);
    }
  }
  return results;
}

function summary({ failure, cpu_us, p50_us, p99_us, ...others }) {
  if (failure !== undefined) return `failed: ${failure}`;
  if (cpu_us === undefined) return JSON.stringify(others);
  return `${cpu_us} µs a delivery, p50 ${p50_us} µs, p99 ${p99_us} µs`;
}

/** Returns a line for each case and round that failed. */
export function listFailures(results) {
  return [...results].flatMap(([name, runs]) =>
    runs.flatMap(({ failure }, round) =>
      failure === undefined ? [] : [`- ${name}, round ${round + 1}: ${failure}`],
    ),
  );
}

/**
 * Returns a signal that SIGINT (Ctrl-C) or SIGTERM aborts, instead of ending the process. The process then exits with the
 * usual status of that signal.
 */
export function interruption() {
  const controller = new AbortController();
  for (const [signal, status] of [
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ]) {
    process.on(signal, () => {
      process.exitCode = status;
      console.error(`${signal}: the tables show what was measured so far.`);
      controller.abort();
    });
  }
  return controller.signal;
}
