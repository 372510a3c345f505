/** The claims of a verified token, and the identity that they name. */
import * as v from "valibot";
import { MAX_INFO } from "../../realtime/presence/presence.ts";
import { isFieldText } from "../../realtime/sse.ts";
import { MAX_IDENTITY, MAX_RIGHTS } from "../../realtime/types.ts";
import type { Milliseconds } from "../../realtime/units.ts";
import { object } from "../schemas/objects.ts";
import { type AuthRecord, checkSize, completeRecord } from "./auth-record.ts";
import { refusedTokenError } from "./errors.ts";
import { DEFAULT_CLOCK_SKEW } from "./token-options.ts";

/** A user, and the topics that the user has rights to. */
export interface Identity {
  /** The user's id, 1 to 1,024 characters without control characters. A revocation names this id. */
  readonly subject: string;
  /** Patterns of topics, at most 100. The user may receive the private messages of these topics. Default: none. */
  readonly subscribe?: readonly string[] | undefined;
  /** Patterns of the topics that the user may publish to, at most 100. Default: none. */
  readonly publish?: readonly string[] | undefined;
  /**
   * The fields of `@request.auth` in rules: an object of at most 8,192 bytes as JSON. Its `id` is the subject unless the record
   * has another one. Default: a record with only the `id`.
   */
  readonly record?: Readonly<Record<string, unknown>> | undefined;
  /**
   * What other clients see of the user in topics with presence: an object of at most 1,024 bytes as JSON. Default `{}`.
   */
  readonly info?: Readonly<Record<string, unknown>> | undefined;
  /** When the identity was confirmed, in milliseconds since 1970. Default: when the request arrived. */
  readonly issuedAt?: Milliseconds | undefined;
  /** When the identity expires, in milliseconds since 1970. Default: never. */
  readonly expiresAt?: Milliseconds | undefined;
}

/** 100 years. An `exp` that is further ahead was probably written in milliseconds instead of seconds. */
const MAX_LIFETIME: Milliseconds = 100 * 365.25 * 86_400_000;

const ISSUER_ADVICE = "Correct the token where it is issued.";

const topicPattern = v.pipe(
  v.string(),
  v.minLength(1),
  v.maxLength(2500),
  v.check(isFieldText, "No line break or NUL."),
);
/** The schema of rights. */
export const topicPatterns = v.optional(v.pipe(v.array(topicPattern), v.maxLength(MAX_RIGHTS)));

/** Matches a control character. A subject must not contain one. */
export const CONTROL_CHARACTER: RegExp = /\p{Cc}/u;

/** The schema of a user's id. */
export const subjectSchema = v.pipe(
  v.string(),
  v.minLength(1),
  v.maxLength(MAX_IDENTITY),
  v.check((sub) => !CONTROL_CHARACTER.test(sub), "Must not contain a control character."),
);

const seconds = v.custom<number>(Number.isFinite);

/** The claims that Pocketwire reads. A token may carry others. */
const claimsSchema = object({
  sub: subjectSchema,
  iat: v.optional(seconds),
  exp: v.optional(seconds),
  record: v.optional(v.unknown()),
  realtime: v.optional(
    object({
      subscribe: topicPatterns,
      publish: topicPatterns,
      info: v.optional(v.unknown()),
    }),
  ),
});

/**
 * Reads the identity from claims that are already verified.
 *
 * @param clockSkew By how much `iat` may be ahead of this clock.
 * @throws RealtimeError `refused_token` when a claim is malformed, the record is too large, or `iat` or `exp` is too far in the future.
 */
export function identityOf(
  claims: unknown,
  clockSkew: Milliseconds = DEFAULT_CLOCK_SKEW,
): Identity {
  const { success, output, issues } = v.safeParse(claimsSchema, claims);
  if (!success) {
    const path = issues[0].path?.map(({ key }) => key) ?? [];
    throw refusedTokenError(`its claim ${path.join(".")} is invalid`, ISSUER_ADVICE);
  }
  const { sub, iat, exp, realtime, record } = output;
  const now = Date.now();
  // A token that was issued in the future would outlive a revocation.
  if (iat !== undefined && iat * 1000 > now + clockSkew) {
    throw refusedTokenError(
      "its claim iat is in the future; iat counts seconds since 1970",
      "Correct the clock of the token's issuer.",
    );
  }
  if (exp !== undefined && exp * 1000 > now + MAX_LIFETIME) {
    throw refusedTokenError(
      "its claim exp is more than 100 years ahead; exp counts seconds since 1970",
      ISSUER_ADVICE,
    );
  }
  return {
    subject: sub,
    subscribe: realtime?.subscribe,
    publish: realtime?.publish,
    info: realtime?.info === undefined ? undefined : infoOf(realtime.info),
    record: record === undefined ? undefined : recordOf(record, sub),
    // Without `iat`, the token counts as issued in 1970, so any revocation covers it.
    issuedAt: iat === undefined ? 0 : iat * 1000,
    expiresAt: exp === undefined ? undefined : exp * 1000,
  };
}

function infoOf(claim: unknown): AuthRecord {
  return checkSize(claim, MAX_INFO, (problem) =>
    refusedTokenError(`its claim realtime.info ${problem}`, ISSUER_ADVICE),
  );
}

function recordOf(claim: unknown, subject: string): AuthRecord {
  return completeRecord(claim, subject, (problem) =>
    refusedTokenError(`its claim record ${problem}`, ISSUER_ADVICE),
  );
}
