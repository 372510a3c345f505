/** Reads compose.yaml as Docker Compose does: merge keys, and variables of the environment. */
import { readFileSync } from "node:fs";
import { parse } from "yaml";

export interface ComposeService {
  readonly image: string;
  readonly build?: string;
  readonly user?: string;
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly volumes?: readonly string[];
  readonly networks: readonly string[];
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly cap_drop: readonly string[];
  readonly cap_add?: readonly string[];
  readonly security_opt: readonly string[];
  readonly read_only: boolean;
  readonly stop_grace_period?: string;
  readonly ulimits?: { readonly nofile: number };
}

export interface Compose {
  readonly services: Readonly<Record<string, ComposeService>>;
  readonly networks: Readonly<Record<string, { readonly internal?: boolean } | null>>;
  readonly volumes: Readonly<Record<string, null>>;
}

const VARIABLE = /\$\{(\w+)(?:(:-|:\?)([^}]*))?\}/g;

/** @throws if a variable is not set and has no default. The error has the message from the file. */
export function readCompose(path: string, env: Readonly<Record<string, string>>): Compose {
  const text = readFileSync(path, "utf8");
  const replace = (_: string, name: string, operator?: string, word = ""): string => {
    const value = env[name];
    if (value) return value;
    if (operator === ":-") return word;
    throw new Error(`required variable ${name} is missing a value: ${word}`);
  };
  return mapStrings(parse(text, { merge: true }), (value) =>
    value.replace(VARIABLE, replace),
  ) as Compose;
}

function mapStrings(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === "string") return change(value);
  if (Array.isArray(value)) return value.map((item) => mapStrings(item, change));
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([name, item]) => [name, mapStrings(item, change)]);
  return Object.fromEntries(entries);
}

/** Seconds of a duration such as `20s`. */
export function secondsOf(duration: string | undefined): number {
  const [, seconds] = /^(\d+)s$/.exec(duration ?? "") ?? [];
  if (seconds === undefined) throw new Error(`"${duration}" is no number of seconds`);
  return Number(seconds);
}
