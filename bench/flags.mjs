// Reads the flags of the benchmarks from the command line.
import { parseArgs } from "node:util";

/**
 * Reads the flags. If a flag is unknown or its value has another form, prints an error that names the flag, and ends the process
 * with the exit code 1.
 *
 * @param kinds The kind of each flag: `false` for a switch, "number" (1 or more), "numbers" (with commas between them), "text", or a
 *   list: some of its words, with commas between them, and all words if the flag is not given.
 * @returns The values. A flag that is not given is otherwise undefined, or false if it is a switch.
 */
export function readFlags(kinds) {
  try {
    return parse(kinds);
  } catch (error) {
    console.error(error.message);
    return process.exit(1);
  }
}

function parse(kinds) {
  const options = Object.fromEntries(
    Object.entries(kinds).map(([name, kind]) => [
      name,
      kind === false ? { type: "boolean", default: false } : { type: "string" },
    ]),
  );
  const { values } = parseArgs({ options });
  for (const [name, kind] of Object.entries(kinds)) {
    const value = values[name];
    if (Array.isArray(kind))
      values[name] = value?.split(",").map((word) => oneOf(kind, name, word)) ?? kind;
    if (value === undefined) continue;
    if (kind === "number") values[name] = positive(name, value);
    if (kind === "numbers") values[name] = value.split(",").map((part) => positive(name, part));
  }
  return values;
}

function positive(name, text) {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new Error(`--${name}: "${text}" is not a whole number of 1 or more.`);
}

function oneOf(words, name, word) {
  if (words.includes(word)) return word;
  throw new Error(`--${name}: "${word}" is unknown. Use: ${words.join(", ")}.`);
}
