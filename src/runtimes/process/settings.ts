/** Reads the settings of a process: the environment, and `.dev.vars` in development. */
import { readFileSync } from "node:fs";
import { parseEnv } from "node:util";
import { checkPublicKeys } from "../../api/auth/jwt-keys.ts";
import { isLoopback } from "../../api/auth/loopback.ts";
import { type Config, type Environment, readConfig } from "../../config/config.ts";
import { findUnknownVariables } from "../../config/contradictions.ts";
import { RealtimeError } from "../../realtime/errors.ts";

/** The settings of a process, with facts about their sources. */
export interface ProcessSettings {
  readonly config: Config;
  /** Names of variables that begin with `REALTIME_`, but are not settings. */
  readonly unknownVariables: readonly string[];
  /** Whether the admin key comes from `.dev.vars`, which is public. */
  readonly isDevelopmentKey: boolean;
  /** Whether NODE_ENV is `production`. */
  readonly isProduction: boolean;
}

/**
 * Reads the settings. A variable of the environment takes precedence over the same variable in `.dev.vars` of the working
 * directory. With NODE_ENV=production, the file is ignored.
 *
 * @throws RealtimeError `invalid_config` for an invalid variable, and for the public key of `.dev.vars` together with a HOST
 *   that other machines can reach.
 */
export async function readProcessSettings(
  environment: Environment = process.env,
): Promise<ProcessSettings> {
  const isProduction = environment.NODE_ENV === "production";
  const file = isProduction ? {} : readDevVars();
  const set = Object.entries(environment).filter(([, value]) => value);
  const variables: Environment = { ...file, ...Object.fromEntries(set) };
  const config = readConfig(variables);
  const isDevelopmentKey =
    config.adminKey !== undefined &&
    !environment.REALTIME_ADMIN_KEY &&
    file.REALTIME_ADMIN_KEY === config.adminKey;
  if (isDevelopmentKey && !isLoopback(config.host)) {
    throw new RealtimeError(
      "invalid_config",
      `Other machines can reach HOST ${config.host}, and REALTIME_ADMIN_KEY is the public key in .dev.vars. ` +
        "Set REALTIME_ADMIN_KEY in the environment.",
    );
  }
  if (config.tokens !== undefined) {
    await checkPublicKeys(config.tokens, "REALTIME_JWT_PUBLIC_KEY");
  }
  const unknownVariables = findUnknownVariables(variables);
  return { config, unknownVariables, isDevelopmentKey, isProduction };
}

/** Reads the variables of `.dev.vars` in the working directory. Empty if the file does not exist. */
export function readDevVars(): Environment {
  try {
    // Some editors write a byte order mark, which would become part of the first name.
    return parseEnv(readFileSync(".dev.vars", "utf8").replace(/^\uFEFF/, ""));
  } catch (error) {
    // The cast: `readFileSync` throws an error with a code. Other errors have none.
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return {};
    throw new RealtimeError("invalid_config", `.dev.vars can't be read: ${String(error)}`, {
      cause: error,
    });
  }
}
