/** Generates an admin key for development if none is set. */
import { nanoid } from "nanoid";
import { isLoopback } from "../../api/auth/loopback.ts";
import type { ProcessSettings } from "./settings.ts";

/** Characters of randomness: 168 bits. */
const KEY_LENGTH = 28;

/**
 * Adds a generated admin key to settings without one, because no client could publish otherwise. The key is valid until the process
 * ends. No key is generated
 *
 * - with NODE_ENV=production, and for a HOST that other machines can reach, because an operator must choose the key;
 * - if tokens are configured, because users can publish with tokens;
 * - for a process that shares a Redis with others, because each process would have a different key. WORKERS share their parent's key.
 */
export function withGeneratedKey(settings: ProcessSettings): ProcessSettings {
  const { config, isProduction } = settings;
  const isConfigured = (config.adminKey ?? config.tokens ?? config.introspection) !== undefined;
  const isShared = config.redis !== undefined && config.workers === 1;
  if (isProduction || isConfigured || isShared || !isLoopback(config.host)) return settings;
  // The prefix keeps the key from beginning with "-", which would make it look like a flag.
  const adminKey = `dev_${nanoid(KEY_LENGTH)}`;
  return { ...settings, config: { ...config, adminKey }, keySource: "generated" };
}
