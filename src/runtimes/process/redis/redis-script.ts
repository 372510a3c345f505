import { createHash } from "node:crypto";
import type { RedisConnection } from "./connection.ts";

/** A Lua script, which Redis remembers by its hash. */
export class RedisScript {
  readonly #source: string;
  readonly #hash: string;

  constructor(source: string) {
    this.#source = source;
    this.#hash = createHash("sha1").update(source).digest("hex");
  }

  /** Runs the script. Sends its source if Redis does not know it, for example after a restart. Throws as `RedisConnection.send`. */
  async run(connection: RedisConnection, key: string, args: readonly string[]): Promise<unknown> {
    const rest = ["1", key, ...args];
    const result = await connection.send(["EVALSHA", this.#hash, ...rest], isUnknownScript);
    return result === UNKNOWN_SCRIPT ? connection.send(["EVAL", this.#source, ...rest]) : result;
  }
}

const UNKNOWN_SCRIPT = Symbol("unknown script");

function isUnknownScript(error: unknown): unknown {
  return error instanceof Error && error.message.startsWith("NOSCRIPT")
    ? UNKNOWN_SCRIPT
    : undefined;
}
