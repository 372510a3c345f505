/** Runs the service as a program: reads the settings, starts the service, and stops it on a signal. */
import { explainConsoleOff } from "../../api/console/off.ts";
import { createLogger } from "../../api/logger.ts";
import type { Config } from "../../config/config.ts";
import { warnOfMistakes } from "../../config/contradictions.ts";
import { logRules } from "../../config/rules.ts";
import { RealtimeError } from "../../realtime/errors.ts";
import type { LogFields, Logger } from "../../realtime/types.ts";
import { withGeneratedKey } from "./generated-key.ts";
import { describeStartError } from "./listen-errors.ts";
import type { RunningServer, StartOptions } from "./listening.ts";
import { createStreamOutput, flush } from "./log-output.ts";
import { type ProcessSettings, readProcessSettings } from "./settings.ts";
import { formatBanner, isConsoleOn, logStartupHints } from "./startup-hints.ts";
import { stopOnDrain, stopOnSignal } from "./stop-on-signal.ts";
import { connectToParent, type ParentLink, withFields } from "./worker-link.ts";
import type { LaunchWorker } from "./worker-slot.ts";
import { startWorkers } from "./workers.ts";

type StartServer = (options: StartOptions) => Promise<RunningServer>;

/**
 * Runs the service until a signal stops it: in this process, or with WORKERS above 1 in several worker processes. Resolves when
 * the service listens. Exits the process with code 1 if the settings are invalid or the service can't start.
 */
export async function runProcess(start: StartServer, launch: LaunchWorker): Promise<void> {
  // Without a listener, the error of a closed stderr would end the process.
  process.stderr.on("error", () => {});
  const settings = withGeneratedKey(await readSettingsOrExit());
  const { config, isProduction } = settings;
  const output = createStreamOutput(process.stdout);
  const logger = createLogger({ level: config.logLevel, format: logFormat(config), output });
  const parent = connectToParent();
  if (parent !== undefined) {
    await runWorker(settings, start, parent, logger);
    return;
  }
  let url: string;
  if (config.workers > 1) {
    logMistakes(settings, logger);
    url = await startOrExit(() => startWorkers(settings, launch, logger), config);
    logger.info("listening", { url, pid: process.pid, workers: config.workers });
  } else {
    const server = await startOrExit(() => startServer(settings, start, logger), config);
    url = server.url;
    logMistakes(settings, logger);
    // Before the line `listening`, because a supervisor may send a signal right after that line.
    stopOnSignal(server, logger);
    logger.info("listening", { url, pid: process.pid });
  }
  logStartupHints(config, logger);
  if (!isProduction) process.stderr.write(formatBanner(url, settings));
}

/** Runs one of several workers. The parent logs what concerns all of them. */
async function runWorker(
  settings: ProcessSettings,
  start: StartServer,
  parent: ParentLink,
  processLogger: Logger,
): Promise<void> {
  const { worker } = parent;
  const logger = withFields(processLogger, { worker });
  const { url, close } = await startOrExit(
    () => startServer(settings, start, logger),
    settings.config,
    { worker },
  );
  stopOnDrain({ close }, parent, logger);
  logger.info("worker listening", { url, pid: process.pid });
  parent.send({ type: "listening", url });
}

async function startServer(
  settings: ProcessSettings,
  start: StartServer,
  logger: Logger,
): Promise<RunningServer> {
  const isOn = isConsoleOn(settings);
  const server = await start({ ...settings.config, console: isOn, logger });
  if (!isOn) explainConsoleOff(server.app);
  return server;
}

/** @param fields Fields for the line with the error. */
async function startOrExit<T>(
  start: () => Promise<T>,
  config: Config,
  fields: LogFields = {},
): Promise<T> {
  try {
    return await start();
  } catch (error) {
    const { host, port } = config;
    // A separate logger without a level, so that this line appears at every log level.
    const logger = createLogger({
      format: logFormat(config),
      output: createStreamOutput(process.stdout),
    });
    logger.error("could not start", {
      error: describeStartError(error, config),
      host,
      port,
      ...fields,
    });
    await flush(process.stdout);
    process.exit(1);
  }
}

function logMistakes(settings: ProcessSettings, logger: Logger): void {
  const { config, unknownVariables, contradictions } = settings;
  warnOfMistakes(config, unknownVariables, logger);
  for (const hint of contradictions) logger.warn("settings contradict each other", { hint });
  logRules(config.rules, logger);
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
