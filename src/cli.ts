#!/usr/bin/env node
/** The command `pocketwire`: chooses the subcommand and turns errors into exit codes. */
import { realpathSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { erase } from "./cli/erase.ts";
import { isUsageError } from "./cli/flags.ts";
import { COMMAND_HELP, HELP } from "./cli/help.ts";
import { listen } from "./cli/listen.ts";
import { exitWithReader, FAILED, MISUSED, OK, printError } from "./cli/output.ts";
import { publish } from "./cli/publish.ts";
import { serve } from "./cli/serve.ts";
import { token } from "./cli/token.ts";
import { nearestName } from "./realtime/nearest-name.ts";
import { VERSION } from "./realtime/version.ts";

/** Ways to ask for the version. */
const VERSION_FLAGS: readonly string[] = ["--version", "-v", "-V"];

const COMMANDS = { serve, listen, publish, erase, token };

/** Runs a command. @returns the exit code, or undefined while the service is running. */
export async function run(words: readonly string[]): Promise<number | undefined> {
  const [command = "", ...rest] = words;
  if (command === "" || command === "--help" || command === "-h" || command === "help") {
    process.stdout.write(HELP);
    return command === "" ? MISUSED : OK;
  }
  if (VERSION_FLAGS.includes(command)) {
    process.stdout.write(`${VERSION}\n`);
    return OK;
  }
  if (!isCommand(command)) {
    const nearest = nearestName(command, Object.keys(COMMANDS));
    const hint = nearest === undefined ? "" : ` Did you mean "${nearest}"?`;
    return printError(`There is no command "${command}".${hint}\n\n${HELP}`, MISUSED);
  }
  if (rest.includes("--help") || rest.includes("-h")) {
    process.stdout.write(COMMAND_HELP[command]);
    return OK;
  }
  // The service must outlive a closed pipe; the other commands end when the reader of their output ends.
  if (command !== "serve") exitWithReader();
  try {
    return await COMMANDS[command](rest);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return isUsageError(error)
      ? printError(`${message}\n\n${COMMAND_HELP[command]}`, MISUSED)
      : printError(`${message}\n`, FAILED);
  }
}

function isCommand(name: string): name is keyof typeof COMMANDS {
  return Object.hasOwn(COMMANDS, name);
}

const isProgram =
  process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url);
if (isProgram) {
  const code = await run(process.argv.slice(2));
  if (code !== undefined) process.exit(code);
}
