/** The settings that the service has on every runtime. */
import type { IntrospectionOptions } from "../api/auth/introspection.ts";
import type { TokenOptions } from "../api/auth/token-options.ts";
import type { CallbackOptions } from "../api/callbacks/options.ts";
import type { RequestLimits } from "../api/limits.ts";
import type { LogLevel } from "../api/logger.ts";
import type { HistoryLimits, RememberedIdLimits } from "../log/log.ts";
import { RealtimeError } from "../realtime/errors.ts";
import type { TopicRule } from "../realtime/topic-rules.ts";
import type { Bytes, Milliseconds } from "../realtime/units.ts";
import type { Rules } from "./rules.ts";
import { callbackOptions, introspectionOptions } from "./url-options.ts";
import type { OptionValues } from "./variables.ts";

/**
 * How many clients and subscription keys the service accepts, and how many bytes may wait for them. 0 is no limit, except for
 * `maxBufferedBytes`.
 */
interface Capacity {
  readonly maxClients: number;
  readonly maxClientsPerAddress: number;
  readonly maxKeys: number;
  readonly maxKeysPerAddress: number;
  readonly maxKeyCharacters: number;
  readonly maxKeyCharactersPerAddress: number;
  readonly maxBufferedBytes: Bytes;
  readonly maxWaitingBytes: Bytes;
  readonly maxWaitingBytesPerAddress: Bytes;
}

/** The settings of the service on every runtime. `ServerOptions` and `StartOptions` describe those that have no description here. */
export interface ServiceConfig extends RequestLimits, Capacity {
  readonly adminKey: string | undefined;
  readonly origins: readonly string[];
  readonly pingInterval: Milliseconds;
  readonly staleTimeout: Milliseconds;
  readonly tokens: TokenOptions | undefined;
  readonly introspection: IntrospectionOptions | undefined;
  readonly callbacks: CallbackOptions | undefined;
  readonly cookie: string | undefined;
  readonly queryToken: boolean;
  readonly anonymous: "subscribe" | "none";
  readonly authGrace: Milliseconds;
  readonly checkAddress: boolean;
  readonly rules: Rules | undefined;
  readonly trustedProxyHeader: string | undefined;
  readonly history: HistoryLimits;
  readonly rememberedIds: RememberedIdLimits;
  readonly topics: readonly TopicRule[] | undefined;
  readonly keptBytes: Bytes;
  readonly keptTopics: number;
  readonly presenceGrace: Milliseconds;
  /** Number of Durable Objects that share the clients. Workers only. */
  readonly shards: number;
  readonly maxStreamWrites: number;
  /** Undefined if the variable is not set: the default depends on the program. */
  readonly console: boolean | undefined;
  readonly metrics: "admin" | "open" | "off";
  /** The least severe log lines that are written. */
  readonly logLevel: LogLevel;
}

/** @throws RealtimeError `invalid_config` for settings of which a part is missing. */
export function toServiceConfig(values: OptionValues): ServiceConfig {
  const { tokens, introspection } = values;
  return {
    ...values,
    tokens: tokenOptions(tokens),
    introspection: introspectionOptions(introspection, tokens),
    callbacks: callbackOptions(values.callbacks),
  };
}

function tokenOptions(tokens: OptionValues["tokens"]): TokenOptions | undefined {
  const { secrets, publicKeys, jwksURL, algorithms } = tokens;
  const hasPublicKeys = publicKeys !== undefined || jwksURL !== undefined;
  for (const algorithm of algorithms ?? []) {
    const usesSecret = algorithm.startsWith("HS");
    if (usesSecret ? secrets !== undefined : hasPublicKeys) continue;
    const needed = usesSecret
      ? "REALTIME_JWT_SECRET"
      : "REALTIME_JWT_PUBLIC_KEY or REALTIME_JWKS_URL";
    throw new RealtimeError(
      "invalid_config",
      `REALTIME_JWT_ALGORITHMS has ${algorithm}, which needs ${needed}.`,
    );
  }
  return secrets === undefined && !hasPublicKeys ? undefined : tokens;
}
