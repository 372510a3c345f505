import { SignJWT } from "jose";
import { type AuthRecord, checkSize, completeRecord } from "../api/auth/auth-record.ts";
import { MAX_INFO } from "../realtime/presence/presence.ts";
import { list, parseFlags, refuseWords, text, UsageError } from "./flags.ts";
import { OK } from "./output.ts";

/** The shortest secret that the service accepts. */
const MIN_SECRET_LENGTH = 32;

/** `pocketwire token`: prints a JSON Web Token for development, signed with HS256. */
export async function token(words: readonly string[]): Promise<number> {
  const rights = { subscribe: list, publish: list };
  const options = { sub: text, ...rights, info: text, record: text, expires: text, secret: text };
  const { values, positionals } = parseFlags(words, options);
  refuseWords("token", positionals);
  if (values.sub === undefined) {
    throw new UsageError("--sub is missing. Name the user that the token is for.");
  }
  // If the variable has several secrets, the first one signs. The others only verify older tokens.
  const secret = values.secret ?? process.env.REALTIME_JWT_SECRET?.split(/\s+/)[0] ?? "";
  if (secret.length < MIN_SECRET_LENGTH) {
    throw new UsageError(
      `The secret must have at least ${MIN_SECRET_LENGTH} characters. Set --secret or REALTIME_JWT_SECRET.`,
    );
  }
  const { subscribe = [], publish = [] } = values;
  const realtime = { subscribe, publish, info: readInfo(values.info) };
  const record = readRecord(values.record, values.sub);
  const payload = { sub: values.sub, realtime, record };
  const claims = new SignJWT(payload).setProtectedHeader({ alg: "HS256" });
  const { expires = "1h" } = values;
  try {
    claims.setIssuedAt().setExpirationTime(expires);
  } catch {
    throw new UsageError(`--expires is a time such as 30s, 15m, 1h or 7d; it was "${expires}".`);
  }
  process.stdout.write(`${await claims.sign(new TextEncoder().encode(secret))}\n`);
  return OK;
}

/** Parses `--info`. @throws UsageError for a value that the service would refuse. */
function readInfo(json: string | undefined): AuthRecord | undefined {
  if (json === undefined) return undefined;
  return checkSize(parse(json), MAX_INFO, (problem) => new UsageError(`--info ${problem}.`));
}

/** Parses `--record`. @throws UsageError for a value that the service would refuse. */
function readRecord(json: string | undefined, subject: string): AuthRecord | undefined {
  if (json === undefined) return undefined;
  return completeRecord(parse(json), subject, (problem) => new UsageError(`--record ${problem}.`));
}

/** Returns undefined for a text that is not JSON. It is then refused as a value that is not an object. */
function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
