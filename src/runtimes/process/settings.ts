/** Reads the settings of a process: the environment, the file with access rules, and `.dev.vars` in development. */
import { readFileSync } from "node:fs";
import { parseEnv } from "node:util";
import { checkPublicKeys } from "../../api/auth/jwt-keys.ts";
import { isLoopback } from "../../api/auth/loopback.ts";
import { type Config, readConfig, VARIABLES } from "../../config/config.ts";
import { findUnknownVariables, type UnknownVariable } from "../../config/contradictions.ts";
import { findProcessContradictions } from "../../config/process-contradictions.ts";
import type { Environment } from "../../config/table.ts";
import { RealtimeError } from "../../realtime/errors.ts";

/** The settings of a process, with facts about their sources. */
export interface ProcessSettings {
  readonly config: Config;
  /** Sentences about settings that make no sense together (`findProcessContradictions`). */
  readonly contradictions: readonly string[];
  /** Variables with names that begin with `REALTIME_`, but are not settings. */
  readonly unknownVariables: readonly UnknownVariable[];
  /**
   * Where the admin key comes from. `file`: from `.dev.vars`. Everyone can know this key, since the file is in Pocketwire's
   * repository. `generated`: made for this start (`withGeneratedKey`). Undefined without a key.
   */
  readonly keySource: "environment" | "file" | "generated" | undefined;
  /** Whether NODE_ENV is `production`. */
  readonly isProduction: boolean;
}

/**
 * Reads the settings. A variable of the environment takes precedence over the same variable in `.dev.vars` of the working
 * directory. With NODE_ENV=production, the file is ignored. REALTIME_RULES and REALTIME_TOPICS may be paths of files.
 *
 * @throws RealtimeError `invalid_config` for an invalid variable, for a file that can't be read, for the admin key of
 *   `.dev.vars` together with a HOST that other machines can reach, and for WORKERS or REDIS_READ_URL without REDIS_URL.
 */
export async function readProcessSettings(
  environment: Environment = process.env,
): Promise<ProcessSettings> {
  const isProduction = environment.NODE_ENV === "production";
  const file = isProduction ? {} : readDevVars();
  const set = Object.entries(environment).filter(([, value]) => value);
  const variables: Environment = { ...file, ...Object.fromEntries(set) };
  const config = readConfig({
    ...variables,
    REALTIME_RULES: readRules(variables, "REALTIME_RULES", "{"),
    REALTIME_TOPICS: readRules(variables, "REALTIME_TOPICS", "["),
  });
  const keySource = keySourceOf(config, environment);
  if (keySource === "file" && !isLoopback(config.host)) {
    throw new RealtimeError(
      "invalid_config",
      `Other machines can reach HOST ${config.host}, and REALTIME_ADMIN_KEY comes from .dev.vars, which is public. ` +
        "Set REALTIME_ADMIN_KEY in the environment.",
    );
  }
  // A process that is alone must not seem to be one of several.
  if (variables.REDIS_READ_URL && config.redis === undefined) {
    throw new RealtimeError(
      "invalid_config",
      "REDIS_READ_URL is set, but REDIS_URL is not. Set REDIS_URL to the Redis server that takes writes, or remove REDIS_READ_URL.",
    );
  }
  if (config.workers > 1 && config.redis === undefined) {
    throw new RealtimeError(
      "invalid_config",
      `WORKERS is ${config.workers}, and REDIS_URL is not set. The workers share messages and clients only over Redis. ` +
        "Set REDIS_URL, or remove WORKERS (the flag --workers).",
    );
  }
  if (config.tokens !== undefined) {
    await checkPublicKeys(config.tokens, "REALTIME_JWT_PUBLIC_KEY");
  }
  const unknownVariables = findUnknownVariables(variables, VARIABLES);
  const contradictions = findProcessContradictions(config, variables);
  return { config, unknownVariables, contradictions, keySource, isProduction };
}

function keySourceOf({ adminKey }: Config, environment: Environment): ProcessSettings["keySource"] {
  if (adminKey === undefined) return undefined;
  return environment.REALTIME_ADMIN_KEY ? "environment" : "file";
}

/**
 * Returns the JSON of a variable that may be a path. A relative path begins in the working directory.
 *
 * @param begin The first character of the JSON.
 */
function readRules(variables: Environment, name: string, begin: "{" | "["): string {
  const path = (variables[name] ?? "").trim();
  if (path === "" || path.startsWith(begin)) return path;
  // A text that is not a path may be long.
  const shown = JSON.stringify(path.slice(0, 255));
  let text: string;
  try {
    text = readFileSync(path, "utf8").trim();
  } catch (cause) {
    // The cast: as in `readDevVars`. Node's message contains the whole path.
    const { code } = cause as NodeJS.ErrnoException;
    throw new RealtimeError(
      "invalid_config",
      `${name} must be JSON that begins with "${begin}", or the path of a JSON file. The file ${shown} can't be read: ${code}.`,
      { cause },
    );
  }
  // Without this check, the rules of an empty file would count as not set.
  if (text.startsWith(begin)) return text;
  throw new RealtimeError(
    "invalid_config",
    `${name} is the path of ${shown}, which must contain JSON that begins with "${begin}".`,
  );
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
