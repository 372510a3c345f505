import { CONNECTION_FLAGS, send } from "./connection.ts";
import { parseFlags, UsageError } from "./flags.ts";
import { OK } from "./output.ts";

/** `pocketwire erase`: erases the history of topics and prints how many messages were erased. */
export async function erase(words: readonly string[]): Promise<number> {
  const { values, positionals } = parseFlags(words, CONNECTION_FLAGS);
  const [topic, ...more] = positionals;
  if (topic === undefined || more.length > 0) {
    throw new UsageError("erase takes one topic. Put quotes around a topic with a star.");
  }
  const path = `/messages?topic=${encodeURIComponent(topic)}`;
  process.stdout.write(`${await send(values, "erased", path, { method: "DELETE" })}\n`);
  return OK;
}
