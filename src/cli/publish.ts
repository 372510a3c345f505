import { readFileSync } from "node:fs";
import { CONNECTION_FLAGS, describeRefusal, readConnection } from "./connection.ts";
import { parseFlags, text, UsageError, yes } from "./flags.ts";
import { OK, parseLoosely } from "./output.ts";

/** `pocketwire publish`: publishes a message and prints its id. */
export async function publish(words: readonly string[]): Promise<number> {
  const { values, positionals } = parseFlags(words, {
    ...CONNECTION_FLAGS,
    id: text,
    private: yes,
  });
  const [topic, given, ...more] = positionals;
  if (topic === undefined || given === undefined || more.length > 0) {
    throw new UsageError("publish takes a topic and its data. Put quotes around the JSON.");
  }
  const data = parseData(given === "-" ? readFileSync(0, "utf8") : given);
  const message = { topic, data, id: values.id, private: values.private };
  const { api, headers } = readConnection(values);
  const response = await fetch(`${api}/messages`, {
    method: "POST",
    headers: { ...headers, "Content-Type": "application/json" },
    body: JSON.stringify(message),
  }).catch((error: Error) => {
    const reason = error.cause instanceof Error ? error.cause.message : error.message;
    throw new Error(`${api} can't be reached: ${reason}`);
  });
  const body = await response.text();
  const id = response.ok ? readId(body) : undefined;
  if (id === undefined) throw new Error(describeRefusal(response.status, body));
  process.stdout.write(`${id}\n`);
  return OK;
}

function readId(body: string): unknown {
  const answer = parseLoosely(body);
  return typeof answer === "object" && answer !== null && "id" in answer ? answer.id : undefined;
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
