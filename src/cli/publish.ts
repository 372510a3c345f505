import { readFileSync } from "node:fs";
import { nanoid } from "nanoid";
import { CONNECTION_FLAGS, RefusedRequest, send } from "./connection.ts";
import { parseFlags, text, UsageError, yes } from "./flags.ts";
import { OK, printError } from "./output.ts";

/** Number of requests until the command gives up. */
const ATTEMPTS = 3;

/** Maximum number of seconds between two requests. */
const MAX_WAIT_SECONDS = 10;

/**
 * `pocketwire publish`: publishes a message and prints its id. If the service can't say whether it has the message, the command
 * sends it again with the same id.
 */
export async function publish(words: readonly string[]): Promise<number> {
  const { values, positionals } = parseFlags(words, {
    ...CONNECTION_FLAGS,
    id: text,
    private: yes,
    ttl: text,
  });
  const [topic, given, ...more] = positionals;
  if (topic === undefined || given === undefined || more.length > 0) {
    throw new UsageError("publish takes a topic and its data. Put quotes around the JSON.");
  }
  const data = parseData(given === "-" ? readFileSync(0, "utf8") : given);
  const ttl = values.ttl === undefined ? undefined : Number(values.ttl);
  // With an id, a message that is sent again is delivered only once.
  const { id = nanoid() } = values;
  const body = JSON.stringify({ topic, data, id, private: values.private, ttl });
  const sent = () =>
    send(values, "id", "/messages", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body,
    });
  process.stdout.write(`${await retry(sent, id)}\n`);
  return OK;
}

async function retry(attempt: () => Promise<unknown>, id: string): Promise<unknown> {
  for (let left = ATTEMPTS - 1; ; left--) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof RefusedRequest) || error.status !== 503) throw error;
      if (left === 0) throw new Error(`${error.message}\nTo send the message again: --id ${id}`);
      const seconds = Math.min(error.retryAfter, MAX_WAIT_SECONDS);
      printError(`${error.message}\nTrying again in ${seconds} seconds.\n`, OK);
      await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
    }
  }
}

function parseData(data: string): unknown {
  try {
    return JSON.parse(data);
  } catch {
    throw new UsageError(
      `The data is not JSON: ${data.slice(0, 100)}\nWrite a text with JSON's quotes: '"hello"'.`,
    );
  }
}
