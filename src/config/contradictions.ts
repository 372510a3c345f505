/** Finds mistakes that don't prevent a start: settings without effect, and variables with unknown names. */
import { nearestName } from "../realtime/nearest-name.ts";
import type { Logger } from "../realtime/types.ts";
import type { ServiceConfig } from "./service-config.ts";
import type { Environment } from "./table.ts";

/** A variable that is not read. */
export interface UnknownVariable {
  readonly name: string;
  /** The known variable with a similar name. */
  readonly didYouMean: string | undefined;
}

/** The variables with names that begin with `REALTIME_` and are not `known`. */
export function findUnknownVariables(
  environment: Environment,
  known: readonly string[],
): UnknownVariable[] {
  return Object.keys(environment)
    .filter((name) => name.startsWith("REALTIME_") && !known.includes(name))
    .map((name) => ({ name, didYouMean: nearestName(name, known) }));
}

/** Logs a warning for each unknown variable and for each contradiction. */
export function warnOfMistakes(
  config: ServiceConfig,
  unknown: readonly UnknownVariable[],
  logger: Logger,
): void {
  for (const variable of unknown) {
    logger.warn("unknown variable; check its spelling", { ...variable });
  }
  for (const hint of findContradictions(config)) {
    logger.warn("settings contradict each other", { hint });
  }
}

/** Finds settings that are valid one by one and make no sense together. Returns one or two sentences for each contradiction. */
export function findContradictions(config: ServiceConfig): string[] {
  const { adminKey, history, maxMessageBytes } = config;
  const acceptsTokens = config.tokens !== undefined || config.introspection !== undefined;
  const readsCredentials = acceptsTokens || adminKey !== undefined;
  const rules: readonly (readonly [isBroken: boolean, text: string])[] = [
    [
      maxMessageBytes > config.maxBodyBytes,
      "REALTIME_MAX_MESSAGE_BYTES is above REALTIME_MAX_BODY_BYTES, so no message can be that large. Raise REALTIME_MAX_BODY_BYTES.",
    ],
    [
      maxMessageBytes > config.maxBufferedBytes,
      "REALTIME_MAX_MESSAGE_BYTES is above REALTIME_MAX_BUFFERED_BYTES, so one message can disconnect a client as too slow. Raise REALTIME_MAX_BUFFERED_BYTES.",
    ],
    [
      config.anonymous === "none" && !acceptsTokens,
      "REALTIME_ANONYMOUS is none and no tokens are configured, so only holders of the admin key can subscribe. Set REALTIME_JWT_SECRET, REALTIME_JWT_PUBLIC_KEY, REALTIME_JWKS_URL or REALTIME_INTROSPECT_URL.",
    ],
    [
      (config.cookie !== undefined || config.queryToken) && !readsCredentials,
      "REALTIME_COOKIE or REALTIME_QUERY_TOKEN is set, but neither tokens nor an admin key are configured, so cookie and query are ignored.",
    ],
    [
      config.maxClients > 0 && config.maxClientsPerAddress > config.maxClients,
      "REALTIME_MAX_CLIENTS_PER_ADDRESS is above REALTIME_MAX_CLIENTS, so one address can use up all connections.",
    ],
    [
      history.bytes > 0 && maxMessageBytes > history.bytes,
      "REALTIME_MAX_MESSAGE_BYTES is above REALTIME_HISTORY_BYTES, so the history does not keep the largest messages. Raise REALTIME_HISTORY_BYTES.",
    ],
  ];
  return rules.filter(([isBroken]) => isBroken).map(([, text]) => text);
}
