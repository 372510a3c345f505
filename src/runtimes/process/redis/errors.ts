/** Translates the errors of Redis and of its client. */
import { RealtimeError } from "../../../realtime/errors.ts";

/** An error of Redis, translated to a `RealtimeError`. */
export interface TranslatedError {
  readonly error: RealtimeError;
  /** Whether the connection must not be used any more. */
  readonly endsConnection: boolean;
}

/** The first words of the answers with which Redis refuses to store, and what to do about them. */
const REFUSALS: Readonly<Record<string, string>> = {
  OOM: "Redis has reached its maxmemory. Raise maxmemory, or lower the limits of the history.",
  READONLY: "Redis is a read-only replica. Connect to the primary.",
  MISCONF: "Redis can't write to its disk. Free space on the disk, or read the log of Redis.",
  NOREPLICAS:
    "Redis has fewer replicas than min-replicas-to-write. Start the missing replicas, or lower min-replicas-to-write.",
  NOPERM: "The user of Redis lacks a permission. docs/deploy.md lists the commands.",
  NOAUTH: "Redis needs a password. Add it to REDIS_URL.",
  WRONGPASS: "Redis has refused the user or the password of REDIS_URL.",
  FORMAT:
    "Another version of Pocketwire wrote the data in Redis. Run that version, or set another REDIS_PREFIX.",
  WRONGTYPE: "Another program uses the keys of REDIS_PREFIX in Redis. Set another REDIS_PREFIX.",
};

/** After these answers, another server may be the right one. */
const WRONG_SERVER = new Set(["READONLY", "LOADING", "MASTERDOWN", "CLUSTERDOWN", "UNBLOCKED"]);

/** Translates an error that a command or a connection has thrown. */
export function toRealtimeError(cause: unknown): TranslatedError {
  if (cause instanceof RealtimeError) return { error: cause, endsConnection: true };
  const text = cause instanceof Error ? cause.message : String(cause);
  const word = kindOf(text);
  const refusal = REFUSALS[word];
  const endsConnection = WRONG_SERVER.has(word) || !isErrorReply(cause);
  if (refusal !== undefined) {
    return { error: new RealtimeError("storage_failed", refusal, { cause }), endsConnection };
  }
  const error = new RealtimeError("unreachable", "Redis can't be reached. Try again soon.", {
    cause,
  });
  return { error, endsConnection };
}

/** Returns the first word of an answer of Redis. If a script has failed, the first word of the error in the script. */
function kindOf(text: string): string {
  // The words of Redis 6 and 7.0, and of later versions, for a script that runs a forbidden command.
  if (/The user executing the script can't|ACL failure in script/.test(text)) return "NOPERM";
  // Redis 6 puts the place in the script before the error: "ERR Error running script (…): @user_script:12: … 12: -OOM …".
  return /^(?:ERR Error running script .* -)?([A-Z]+)\b/.exec(text)?.[1] ?? "";
}

/** Whether Redis has answered with an error. Otherwise the connection has failed. */
function isErrorReply(error: unknown): boolean {
  return error instanceof Error && /ErrorReply$|^SimpleError$/.test(error.constructor.name);
}
