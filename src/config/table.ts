/** Tables of variables, and reading them. */
import { RealtimeError } from "../realtime/errors.ts";
import type { Parser } from "./parsers.ts";

/** Variables by name, as in `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Options, with the variable of each and the variable's parser. Options with one subject are in a table of their own. */
export interface Table {
  readonly [option: string]: Entry<unknown> | Table;
}

type Entry<T> = readonly [variable: string, parse: Parser<T>];

/** The options of a table with their values. */
export type Values<T> = {
  readonly [Option in keyof T]: T[Option] extends Entry<infer Value> ? Value : Values<T[Option]>;
};

/** The variables with rules in JSON. */
export const RULE_VARIABLES: readonly string[] = ["REALTIME_RULES", "REALTIME_TOPICS"];

/**
 * Reads the variables of a table. An empty variable counts as not set.
 *
 * @throws RealtimeError `invalid_config` with one line for each invalid variable.
 */
export function readTable<T extends Table>(table: T, environment: Environment): Values<T> {
  const problems: string[] = [];
  const values = mapTable(table, ([name, parse]) => {
    const text = textOf(environment, name);
    try {
      return parse(text);
    } catch (error) {
      if (!(error instanceof RealtimeError)) throw error;
      problems.push(problemOf(name, text, error.message));
      return undefined;
    }
  });
  if (problems.length > 0) throw new RealtimeError("invalid_config", problems.join("\n"));
  // The cast: each value is what the parser of its variable has returned.
  return values as Values<T>;
}

/** The text of a variable without white space around it. Undefined if the variable is empty or not set. */
export function textOf(environment: Environment, name: string): string | undefined {
  return String(environment[name] ?? "").trim() || undefined;
}

/** The names of a table's variables. */
export function namesOf(table: Table): string[] {
  const names: string[] = [];
  mapTable(table, ([name]) => names.push(name));
  return names;
}

function mapTable(table: Table, map: (entry: Entry<unknown>) => unknown): object {
  const options = Object.entries(table).map(([option, entry]) => {
    return [option, isEntry(entry) ? map(entry) : mapTable(entry, map)];
  });
  return Object.fromEntries(options);
}

function isEntry(entry: Entry<unknown> | Table): entry is Entry<unknown> {
  return Array.isArray(entry);
}

function problemOf(name: string, text: unknown, message: string): string {
  if (RULE_VARIABLES.includes(name)) return `${name} is invalid. ${message}`;
  // A URL is hidden too: it may contain a password.
  const isSecret = /_(KEY|SECRET|URL)$/.test(name);
  const value = isSecret
    ? "its value is not shown, because it may be secret"
    : `it was ${JSON.stringify(text)}`;
  return `${name} must be ${message}; ${value}.`;
}
