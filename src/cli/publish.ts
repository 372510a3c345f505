import { readFileSync } from "node:fs";
import { CONNECTION_FLAGS, send } from "./connection.ts";
import { parseFlags, text, UsageError, yes } from "./flags.ts";
import { OK } from "./output.ts";

/** `pocketwire publish`: publishes a message and prints its id. */
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
  const message = { topic, data, id: values.id, private: values.private, ttl };
  const id = await send(values, "id", "/messages", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(message),
  });
  process.stdout.write(`${id}\n`);
  return OK;
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
