/** Parses the flags of a command, and says what is wrong with them. */
import { type ParseArgsConfig, parseArgs } from "node:util";
import { nearestName } from "../realtime/nearest-name.ts";

/** A mistake in the command line. The command's help is printed below its message. */
export class UsageError extends Error {}

/** The type of a flag with a value. */
export const text = { type: "string" } as const;
/** The type of a flag without a value. */
export const yes = { type: "boolean" } as const;
/** The type of a flag that may be repeated. */
export const list = { type: "string", multiple: true } as const;

type Options = NonNullable<ParseArgsConfig["options"]>;

/** The flags and words of a command. */
type ParsedFlags<T extends Options> = ReturnType<
  typeof parseArgs<{ args: string[]; options: T; allowPositionals: true; strict: true }>
>;

/**
 * Parses the words after a command.
 *
 * @throws UsageError for an unknown flag. `parseArgs` throws its own errors for missing and superfluous values.
 */
export function parseFlags<T extends Options>(
  words: readonly string[],
  options: T,
): ParsedFlags<T> {
  const config = { args: [...words], options, allowPositionals: true } as const;
  refuseUnknownFlags(parseArgs({ ...config, strict: false, tokens: true }).tokens, options);
  return parseArgs({ ...config, strict: true });
}

function refuseUnknownFlags(
  tokens: readonly { readonly kind: string; readonly name?: string; readonly rawName?: string }[],
  options: object,
): void {
  const unknown = tokens.find(
    ({ kind, name = "" }) => kind === "option" && !Object.hasOwn(options, name),
  );
  if (unknown === undefined) return;
  const nearest = nearestName(unknown.name ?? "", Object.keys(options));
  const hint = nearest === undefined ? "The flags are listed below." : `Did you mean --${nearest}?`;
  throw new UsageError(`There is no flag ${unknown.rawName}. ${hint}`);
}

/** @throws UsageError for a command that takes no words besides its flags. */
export function refuseWords(command: string, [word]: readonly string[]): void {
  if (word !== undefined) throw new UsageError(`${command} takes flags only, not "${word}".`);
}

/** Whether an error is about the command line. */
export function isUsageError(error: unknown): boolean {
  if (error instanceof UsageError) return true;
  return error instanceof Error && "code" in error && /^ERR_PARSE_ARGS/.test(String(error.code));
}
