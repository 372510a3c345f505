/** The settings of `npm run soak`, from the environment. */

export interface SoakSettings {
  readonly minutes: number;
  readonly runtime: "node" | "bun";
  /** Whether three processes over Redis run behind a load balancer. */
  readonly isCluster: boolean;
  readonly seed: number;
  /** Bytes that the service is made to leak with each request for a stream, to see that the soak notices them. 0: none. */
  readonly leak: number;
}

const LEAST_MINUTES = 2;
const MOST_MINUTES = 24 * 60;

/** @throws if the value of a variable is invalid. */
export function readSettings(env: Readonly<Record<string, string | undefined>>): SoakSettings {
  const { SOAK_RUNTIME: runtime = "node", SOAK_REDIS: redis = "0" } = env;
  if (runtime !== "node" && runtime !== "bun") {
    throw new Error(`SOAK_RUNTIME must be "node" or "bun", not "${runtime}".`);
  }
  if (redis !== "0" && redis !== "1") throw new Error(`SOAK_REDIS must be 0 or 1, not "${redis}".`);
  const leak = readNumber(env, "SOAK_LEAK", 0, 0, 1_000_000);
  if (leak > 0 && runtime === "bun") {
    throw new Error("SOAK_LEAK has no effect on Bun. Remove it, or set SOAK_RUNTIME=node.");
  }
  return {
    minutes: readNumber(env, "SOAK_MINUTES", 30, LEAST_MINUTES, MOST_MINUTES),
    runtime,
    isCluster: redis === "1",
    seed: readNumber(env, "SOAK_SEED", Date.now() % 1_000_000, 0, 0xffff_ffff),
    leak,
  };
}

function readNumber(
  env: Readonly<Record<string, string | undefined>>,
  name: string,
  otherwise: number,
  least: number,
  most: number,
): number {
  const text = env[name] ?? "";
  if (text === "") return otherwise;
  const number = Number(text);
  if (number >= least && number <= most) return number;
  throw new Error(`${name} must be a number from ${least} to ${most}, not "${text}".`);
}
