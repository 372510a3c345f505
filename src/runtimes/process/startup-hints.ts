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

/** Formats commands to copy into two terminals. A key from the environment is not shown. */
export function formatExamples(url: string, { config, isDevelopmentKey }: ProcessSettings): string {
  const key = isDevelopmentKey ? config.adminKey : "$REALTIME_ADMIN_KEY";
  const api = `${url}/api/realtime`;
  const json = "-H 'Content-Type: application/json'";
  return `
Try it. Listen in one terminal:
  curl -sN ${api} | tee /tmp/pocketwire.txt
Subscribe and publish in another:
  curl ${api} ${json} -d '{"clientId":"'$(sed -n '/^id: /{s///p;q;}' /tmp/pocketwire.txt)'","subscriptions":["chat"]}'
  curl ${api}/messages -H "Authorization: Bearer ${key}" ${json} -d '{"topic":"chat","data":{"text":"hello"}}'

`;
}
