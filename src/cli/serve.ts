import { runProcess } from "../runtimes/process/run.ts";
import { parseFlags, refuseWords, text } from "./flags.ts";

/** The flags, and the variable that each sets. */
const VARIABLE_OF_FLAG = {
  host: "HOST",
  port: "PORT",
  key: "REALTIME_ADMIN_KEY",
  origins: "REALTIME_ORIGINS",
  "jwt-secret": "REALTIME_JWT_SECRET",
  workers: "WORKERS",
  data: "REALTIME_DATA",
  "history-seconds": "REALTIME_HISTORY_SECONDS",
  console: "REALTIME_CONSOLE",
  "log-level": "LOG_LEVEL",
} as const;

/** `pocketwire serve`: runs the service. Resolves when it listens; a signal ends the process. */
export async function serve(words: readonly string[]): Promise<undefined> {
  const options = Object.fromEntries(Object.keys(VARIABLE_OF_FLAG).map((name) => [name, text]));
  const { values, positionals } = parseFlags(words, options);
  refuseWords("serve", positionals);
  for (const [flag, variable] of Object.entries(VARIABLE_OF_FLAG)) {
    const value = values[flag];
    if (typeof value === "string") process.env[variable] = value;
  }
  // Loaded only here, so that the other commands start quickly.
  const { startServer } = await import("../node.ts");
  const { launchWorker } = await import("../runtimes/node/workers.ts");
  await runProcess(startServer, launchWorker);
  return undefined;
}
