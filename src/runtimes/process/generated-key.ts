/** An admin key for development, for a service that would otherwise have none. */
import { nanoid } from "nanoid";
import { isLoopback } from "../../api/auth/loopback.ts";
import type { ProcessSettings } from "./settings.ts";

/** Characters of randomness: 168 bits. */
const KEY_LENGTH = 28;

/**
 * Adds an admin key to settings with which every publish would be refused. The key is for this start only. No key is made
 *
 * - with NODE_ENV=production, and for a HOST that other machines can reach: an operator chooses the key;
 * - if tokens are configured: users can publish with them;
 * - for a process that shares a Redis with others: each process would have another key. WORKERS share the key of their parent.
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
