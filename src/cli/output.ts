/** What the commands share: exit codes, and functions for output and for JSON. */

/** The command has done its work. */
export const OK = 0;
/** The command failed. */
export const FAILED = 1;
/** The command line is wrong. */
export const MISUSED = 2;

/** Writes to standard error. @returns the exit code, so that a command can end with it. */
export function printError(text: string, code: number): number {
  process.stderr.write(text);
  return code;
}

/** Ends the process quietly when the reader of its output closes the pipe: `pocketwire listen chat | head -n 1`. */
export function exitWithReader(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", ({ code }: NodeJS.ErrnoException) => {
      process.exit(code === "EPIPE" ? OK : FAILED);
    });
  }
}

/** The value of a JSON text, or the text itself when it is not JSON. */
export function parseLoosely(data: string): unknown {
  try {
    return JSON.parse(data);
  } catch {
    return data;
  }
}
