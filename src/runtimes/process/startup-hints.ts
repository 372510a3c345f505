/** Hints for the operator when the service has started. */
import type { Config } from "../../config/config.ts";
import type { Logger } from "../../realtime/types.ts";
import { describeShortage, readOpenFiles } from "./open-files.ts";
import type { ProcessSettings } from "./settings.ts";

/** Logs a warning if the limit of open files is too low, and a warning if there is no admin key. */
export function logStartupHints(config: Config, logger: Logger): void {
  const files = readOpenFiles();
  const shortage = files && describeShortage(files, config.maxClients);
  if (shortage !== undefined) logger.warn("the limit of open files is too low", shortage);
  if (config.adminKey === undefined) {
    logger.warn(
      "no admin key is set, so only users with tokens can publish; set REALTIME_ADMIN_KEY",
    );
  }
}

/** Whether `/` shows the console. The default depends on NODE_ENV. */
export function isConsoleOn({
  config,
  isProduction,
}: Pick<ProcessSettings, "config" | "isProduction">): boolean {
  return config.console ?? !isProduction;
}

/**
 * Formats the banner: the address of the console, the admin key for development, and commands to copy into two terminals. A key
 * from the environment is not shown.
 */
export function formatBanner(url: string, settings: ProcessSettings): string {
  const { config, keySource } = settings;
  const shownKey = keySource === "environment" ? undefined : config.adminKey;
  const key = shownKey ?? "$REALTIME_ADMIN_KEY";
  const api = `${url}/api/realtime`;
  const json = "-H 'Content-Type: application/json'";
  return `
${formatAddresses(url, settings)}${formatKey(shownKey, keySource)}
Try it. Listen to the topic "chat" in a second terminal:
  curl -sN '${api}?topic=chat'
Publish a message in a third terminal:
  curl ${api}/messages -H "Authorization: Bearer ${key}" ${json} -d '{"topic":"chat","data":{"text":"hello"}}'

`;
}

function formatAddresses(url: string, settings: ProcessSettings): string {
  return isConsoleOn(settings)
    ? `Console:    ${url}\nHTTP API:   ${url}/api/docs\n`
    : "Console:    off; REALTIME_CONSOLE=true turns it on\n";
}

function formatKey(key: string | undefined, source: ProcessSettings["keySource"]): string {
  if (key === undefined) return "";
  const origin =
    source === "generated"
      ? "for this start only. To use your own key, set REALTIME_ADMIN_KEY or --key"
      : "from .dev.vars";
  return `Admin key:  ${key}\n            (${origin})\n`;
}
