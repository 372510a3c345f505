/** Runs the service as a program: reads the settings, starts the service, and stops it on a signal. */
import { createLogger } from "../../api/logger.ts";
import type { Config } from "../../config/config.ts";
import { warnOfMistakes } from "../../config/contradictions.ts";
import { logRules } from "../../config/rules.ts";
import { RealtimeError } from "../../realtime/errors.ts";
import type { RunningServer, StartOptions } from "./listening.ts";
import { createStreamOutput, flush } from "./log-output.ts";
import { type ProcessSettings, readProcessSettings } from "./settings.ts";
import { formatExamples, logStartupHints } from "./startup-hints.ts";
import { stopOnSignal } from "./stop-on-signal.ts";

/**
 * Runs the service until a signal stops it. Resolves when the service listens. Exits the process with code 1 if the settings
 * are invalid or the service can't start.
 */
export async function runProcess(
  start: (options: StartOptions) => Promise<RunningServer>,
): Promise<void> {
  // Without a listener, the error of a closed stderr would end the process.
  process.stderr.on("error", () => {});
  const settings = await readSettingsOrExit();
  const { config, unknownVariables, isProduction } = settings;
  const format = logFormat(config);
  const output = createStreamOutput(process.stdout);
  const logger = createLogger({ level: config.logLevel, format, output });
  let server: RunningServer;
  try {
    server = await start({ ...config, console: config.console ?? !isProduction, logger });
  } catch (error) {
    const { host, port } = config;
    // A separate logger without a level, so that this line appears at every log level.
    createLogger({ format, output }).error("could not start", { error: String(error), host, port });
    await flush(process.stdout);
    process.exit(1);
  }
  warnOfMistakes(config, unknownVariables, logger);
  logRules(config.rules, logger);
  // Before the line `listening`, because a supervisor may send a signal right after that line.
  stopOnSignal(server, logger);
  logger.info("listening", { url: server.url, pid: process.pid });
  logStartupHints(config, logger);
  if (!isProduction) process.stderr.write(formatExamples(server.url, settings));
}

async function readSettingsOrExit(): Promise<ProcessSettings> {
  try {
    return await readProcessSettings();
  } catch (error) {
    if (!(error instanceof RealtimeError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  }
}

function logFormat({ logFormat }: Config): "json" | "text" {
  if (logFormat === "auto") return process.stdout.isTTY ? "text" : "json";
  return logFormat;
}
