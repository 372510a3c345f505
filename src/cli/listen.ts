import { EventSource } from "eventsource";
import { isObject } from "../realtime/is-object.ts";
import { readRecordOptions } from "../realtime/records/record-options.ts";
import { parseSubscription } from "../realtime/subscriptions/subscription-key.ts";
import { CONNECTION_FLAGS, describeRefusal, readConnection } from "./connection.ts";
import { parseFlags, text, UsageError, yes } from "./flags.ts";
import { FAILED, OK, parseLoosely, printError } from "./output.ts";

interface ListenOptions {
  readonly topics: readonly string[];
  /** Exits after this number of events. */
  readonly count: number;
  readonly json: boolean;
}

/**
 * `pocketwire listen`: prints events until the service refuses the stream, a signal arrives, the reader of the output closes
 * the pipe, or `--count` is reached.
 */
export function listen(words: readonly string[]): Promise<number> {
  const flags = { ...CONNECTION_FLAGS, last: text, count: text, json: yes };
  const { values, positionals: topics } = parseFlags(words, flags);
  if (topics.length === 0 || topics.includes("")) throw new UsageError("Name at least one topic.");
  const count =
    values.count === undefined ? Number.POSITIVE_INFINITY : parseCount("--count", values.count);
  if (count === 0) return Promise.resolve(OK);
  const query = new URLSearchParams(topics.map((topic) => ["topic", topic]));
  query.set("envelope", "true");
  if (values.last !== undefined) query.set("last", String(parseCount("--last", values.last)));
  const { api, headers } = readConnection(values);
  return printEvents(`${api}?${query}`, headers, { topics, count, json: values.json ?? false });
}

function parseCount(flag: string, value: string): number {
  if (!/^\d{1,9}$/.test(value)) {
    throw new UsageError(`${flag} must be a whole number of at most 9 digits; it was "${value}".`);
  }
  return Number(value);
}

function printEvents(
  url: string,
  headers: Readonly<Record<string, string>>,
  options: ListenOptions,
): Promise<number> {
  return new Promise((resolve) => {
    let refusal = "";
    const stream = new EventSource(url, {
      fetch: async (address, init) => {
        const response = await fetch(address, {
          ...init,
          headers: { ...init.headers, ...headers },
        });
        if (response.ok) return response;
        const body = await response.text();
        refusal = describeRefusal(response.status, body);
        return new Response(body, response);
      },
    });
    const end = (code: number) => {
      stream.close();
      resolve(code);
    };
    // The reader of the output has closed the pipe.
    process.stdout.on("error", () => end(OK));
    process.on("SIGINT", () => end(OK)).on("SIGTERM", () => end(OK));
    printMessages(stream, options, () => end(OK));
    reportErrors(stream, (message) => {
      end(printError(`The stream was refused. ${refusal || message}\n`, FAILED));
    });
  });
}

function printMessages(stream: EventSource, options: ListenOptions, onDone: () => void): void {
  const { topics, count, json } = options;
  let printed = 0;
  for (const key of topics) {
    stream.addEventListener(key, ({ data, lastEventId: cursor }) => {
      // `EventSource` reports a broken connection as an event `error` without data. A listener for a topic "error" gets it too.
      if (printed >= count || data === undefined) return;
      printed += 1;
      const message = readMessage(key, data);
      const line = json
        ? JSON.stringify({ event: key, ...message, cursor })
        : `${message.topic}\t${JSON.stringify(message.data)}`;
      process.stdout.write(`${line}\n`);
      if (printed === count) onDone();
    });
  }
}

/** The parts of an envelope. For an event without an envelope, only the topic of its key and the data are known. */
interface Message {
  readonly topic: string;
  readonly id?: string;
  readonly at?: string;
  readonly data: unknown;
}

/**
 * Reads the data of an event. The data has no envelope if the user has set the option `envelope` of the key to false, or if an
 * app has sent the event to this client only.
 */
function readMessage(key: string, text: string): Message {
  const data = parseLoosely(text);
  const { topic, options } = parseSubscription(key);
  if (readRecordOptions(options).envelope === false || !isEnvelope(data)) return { topic, data };
  return data;
}

function isEnvelope(value: unknown): value is Message {
  return isObject(value) && typeof value.topic === "string" && value.data !== undefined;
}

function reportErrors(stream: EventSource, onRefused: (message: string) => void): void {
  stream.addEventListener("PB_RESUME", ({ data }) => {
    if (!data.includes('"recovered":false')) return;
    printError("Some events were missed, because the history no longer has them.\n", OK);
  });
  stream.addEventListener("error", (event) => {
    // A message to a topic "error" has data.
    if ("data" in event) return;
    const { message = "the stream ended" } = event;
    if (stream.readyState === EventSource.CLOSED) onRefused(message);
    else printError(`The stream broke: ${message}. Reconnecting.\n`, OK);
  });
}
