import { RealtimeError } from "../../../realtime/errors.ts";

/** Address of the Redis server that the processes share, and the prefix of its keys. */
export interface RedisSettings {
  /** `redis://` or `rediss://`, with user and password if Redis needs them. */
  readonly url: string;
  /** URL of a replica, from which this process reads new messages. Default: `url`. */
  readonly readURL?: string | undefined;
  /** Beginning of the names of all keys and channels. Default `pocketwire`. */
  readonly prefix?: string | undefined;
}

/**
 * Checks the settings of Redis. The values are not shown, because a URL may contain a password.
 *
 * @throws RealtimeError `invalid_config` with the option and the variable that is wrong.
 */
export function checkRedisSettings({ url, readURL = url, prefix = "a" }: RedisSettings): void {
  checkURL(url, "url of redis (REDIS_URL)");
  checkURL(readURL, "readURL of redis (REDIS_READ_URL)");
  // A brace would change the part of a name that selects a slot of Redis Cluster.
  if (/^[\w:-]{1,64}$/.test(prefix)) return;
  throw invalid("prefix of redis (REDIS_PREFIX)", "1 to 64 letters, digits, -, _ or :");
}

function checkURL(url: string, name: string): void {
  if (!isRedisURL(url)) throw invalid(name, "a URL that begins with redis:// or rediss://");
}

function isRedisURL(text: string): boolean {
  try {
    const { protocol, hostname, username, password, pathname } = new URL(text);
    // The client decodes both, and would throw an error of its own.
    decodeURIComponent(username + password);
    return /^rediss?:$/.test(protocol) && hostname !== "" && /^(\/\d*)?$/.test(pathname);
  } catch {
    return false;
  }
}

function invalid(name: string, rule: string): RealtimeError {
  return new RealtimeError("invalid_config", `The ${name} must be ${rule}.`);
}
