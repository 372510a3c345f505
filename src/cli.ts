#!/usr/bin/env node
/** The command `pocketwire`: serve, listen, publish, token. */
import { readFileSync, realpathSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type ParseArgsConfig, parseArgs } from "node:util";
import { EventSource } from "eventsource";
import { SignJWT } from "jose";
import { nearestName } from "./api/schemas/nearest-name.ts";
import { runProcess } from "./runtimes/process/run.ts";
import { readDevVars } from "./runtimes/process/settings.ts";

/** Exit codes. */
const OK = 0;
const FAILED = 1;
const MISUSED = 2;

const HELP = `Pocketwire: live updates over Server-Sent Events, in PocketBase's realtime protocol.

  pocketwire serve                     runs the service
  pocketwire listen chat 'news/*'      prints events as they come, and comes back when the stream breaks
  pocketwire publish chat '{"n":1}'    publishes a message; with - the data is read from standard input
  pocketwire token --sub anna --subscribe 'room/*'
                                       makes a token for development

  --url http://127.0.0.1:8090   where the service is, for listen and publish (POCKETWIRE_URL)
  --key KEY                     admin key or token, for listen and publish (REALTIME_ADMIN_KEY)
  --help                        with a command: what else it takes

Try it, each in a terminal of its own:

  pocketwire serve
  pocketwire listen chat
  pocketwire publish chat '{"text":"hello"}'
`;

const HELPS: Readonly<Record<string, string>> = {
  serve: `pocketwire serve: runs the service until it gets SIGTERM or SIGINT.

Each flag is a variable of the README's table, and wins over it; whatever has no flag is set there.

  --host 127.0.0.1              address to listen at               HOST
  --port 8090                   0 takes a free one                 PORT
  --key KEY                     opens publishing and administration REALTIME_ADMIN_KEY
  --origins https://a.example   pages that may use it              REALTIME_ORIGINS
  --jwt-secret SECRET           what tokens are signed with        REALTIME_JWT_SECRET
  --history-seconds 300         how long messages can be resumed   REALTIME_HISTORY_SECONDS
  --console true                whether / is the console           REALTIME_CONSOLE
  --log-level info              debug, info, warn, error, silent   LOG_LEVEL
`,
  listen: `pocketwire listen TOPIC...: prints events as they come, one a line: the topic subscribed to, a tab, the data.

  --last N       begins with the newest N messages of each topic
  --count N      ends after N events, with exit code 0
  --json         one JSON object a line: {"event","data","id"}
  --url, --key   as in pocketwire --help
`,
  publish: `pocketwire publish TOPIC JSON: publishes a message and prints its id. With - the data is read from standard input.

  --id ID        makes a retry safe: the same id is delivered once
  --private      only for clients with a right to the topic
  --url, --key   as in pocketwire --help
`,
  token: `pocketwire token: makes a token, signed with HS256, and prints it.

  --sub NAME            whose it is (wanted)
  --subscribe PATTERN   topics whose private messages it may have; may be repeated
  --publish PATTERN     topics that it may publish to; may be repeated
  --expires 1h          how long it holds
  --secret SECRET       what the service has in REALTIME_JWT_SECRET (the variable is read when it is left out)
`,
};

class UsageError extends Error {}

/** Runs a command. @returns the exit code; undefined while the service is running. */
export async function run(words: readonly string[]): Promise<number | undefined> {
  const [command = "", ...rest] = words;
  if (command === "" || command === "--help" || command === "-h" || command === "help") {
    process.stdout.write(HELP);
    return command === "" ? MISUSED : OK;
  }
  const commands = { serve, listen, publish, token };
  if (!Object.hasOwn(commands, command)) {
    const nearest = nearestName(command, Object.keys(commands));
    const hint = nearest === undefined ? "" : ` Did you mean "${nearest}"?`;
    return printError(`There is no command "${command}".${hint}\n\n${HELP}`, MISUSED);
  }
  if (rest.includes("--help") || rest.includes("-h")) {
    process.stdout.write(HELPS[command] ?? HELP);
    return OK;
  }
  if (command !== "serve") endWithReader();
  try {
    return await commands[command as keyof typeof commands](rest);
  } catch (error) {
    const isUsage =
      error instanceof UsageError ||
      String((error as { code?: string }).code).startsWith("ERR_PARSE_ARGS");
    const message = error instanceof Error ? error.message : String(error);
    return isUsage
      ? printError(`${message}\n\n${HELPS[command] ?? ""}`, MISUSED)
      : printError(`${message}\n`, FAILED);
  }
}

/** Ends quietly when what reads the output has had enough: `pocketwire listen chat | head -n 1`. */
function endWithReader(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", ({ code }: NodeJS.ErrnoException) => {
      process.exit(code === "EPIPE" ? OK : FAILED);
    });
  }
}

function printError(text: string, code: number): number {
  process.stderr.write(text);
  return code;
}

function read<T extends NonNullable<ParseArgsConfig["options"]>>(
  words: readonly string[],
  options: T,
) {
  const settings = { args: [...words], options, allowPositionals: true } as const;
  refuseUnknownFlags(parseArgs({ ...settings, strict: false, tokens: true }).tokens, options);
  return parseArgs({ ...settings, strict: true });
}

function refuseUnknownFlags(
  tokens: readonly { readonly kind: string; readonly name?: string; readonly rawName?: string }[],
  options: object,
): void {
  const unknown = tokens.find(
    ({ kind, name = "" }) => kind === "option" && !Object.hasOwn(options, name),
  );
  if (unknown === undefined) return;
  const nearest = nearestName(unknown.name ?? "", Object.keys(options));
  const hint = nearest === undefined ? "The flags are listed below." : `Did you mean --${nearest}?`;
  throw new UsageError(`There is no flag ${unknown.rawName}. ${hint}`);
}

const text = { type: "string" } as const;
const yes = { type: "boolean" } as const;
const CONNECTION = { url: text, key: text };

const FLAGS = {
  host: "HOST",
  port: "PORT",
  key: "REALTIME_ADMIN_KEY",
  origins: "REALTIME_ORIGINS",
  "jwt-secret": "REALTIME_JWT_SECRET",
  "history-seconds": "REALTIME_HISTORY_SECONDS",
  console: "REALTIME_CONSOLE",
  "log-level": "LOG_LEVEL",
} as const;

async function serve(words: readonly string[]): Promise<undefined> {
  const options = Object.fromEntries(Object.keys(FLAGS).map((name) => [name, text]));
  const { values, positionals } = read(words, options);
  if (positionals.length > 0)
    throw new UsageError(`serve takes flags only, not "${positionals[0]}".`);
  for (const [flag, variable] of Object.entries(FLAGS)) {
    const value = values[flag];
    if (typeof value === "string") process.env[variable] = value;
  }
  const { startServer } = await import("./node.ts");
  await runProcess(startServer);
  return undefined;
}

interface Connection {
  readonly api: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** The development key in `.dev.vars` goes to this machine only. */
function connectionOf({
  url,
  key,
}: {
  url?: string | undefined;
  key?: string | undefined;
}): Connection {
  const given = url || process.env.POCKETWIRE_URL || "http://127.0.0.1:8090";
  if (!URL.canParse(given))
    throw new UsageError(`--url must be an address, and "${given}" is none.`);
  const { hostname } = new URL(given);
  const isHere = hostname === "127.0.0.1" || hostname === "localhost" || hostname === "[::1]";
  const own = key || process.env.REALTIME_ADMIN_KEY;
  if (own && !isHere && new URL(given).protocol === "http:") {
    printError(`The key goes to ${hostname} in clear: it is http, not https.\n`, OK);
  }
  const credential = own || (isHere ? readDevVars().REALTIME_ADMIN_KEY : undefined);
  return {
    api: `${given.replace(/\/+$/, "")}/api/realtime`,
    headers: credential ? { Authorization: `Bearer ${credential}` } : {},
  };
}

function listen(words: readonly string[]): Promise<number> {
  const options = { ...CONNECTION, last: text, count: text, json: yes };
  const { values, positionals: topics } = read(words, options);
  if (topics.length === 0 || topics.includes("")) throw new UsageError("Which topics?");
  const count =
    values.count === undefined ? Number.POSITIVE_INFINITY : numberOf("--count", values.count);
  if (count === 0) return Promise.resolve(OK);
  const query = new URLSearchParams(topics.map((topic) => ["topic", topic]));
  if (values.last !== undefined) query.set("last", String(numberOf("--last", values.last)));
  const { api, headers } = connectionOf(values);
  return new Promise((resolve) => {
    let heard = 0;
    let refusal = "";
    const stream = new EventSource(`${api}?${query}`, {
      fetch: async (address, init) => {
        const response = await fetch(address, {
          ...init,
          headers: { ...init.headers, ...headers },
        });
        if (response.ok) return response;
        const text = await response.text();
        refusal = `${response.status}: ${(parse(text) as { message?: string })?.message ?? "that was no Pocketwire that answered"}`;
        return new Response(text, response);
      },
    });
    const end = (code: number) => {
      stream.close();
      resolve(code);
    };
    // The reader of the output has closed it.
    process.stdout.on("error", () => end(OK));
    process.on("SIGINT", () => end(OK)).on("SIGTERM", () => end(OK));
    for (const topic of topics) {
      stream.addEventListener(topic, ({ data, lastEventId: id }) => {
        // A broken connection is no message to a topic "error".
        if (heard >= count || data === undefined) return;
        heard += 1;
        const line = values.json
          ? JSON.stringify({ event: topic, data: parse(data), id })
          : `${topic}\t${data}`;
        process.stdout.write(`${line}\n`);
        if (heard === count) end(OK);
      });
    }
    stream.addEventListener("PB_RESUME", ({ data }) => {
      if (data.includes('"recovered":false'))
        printError("Some events were missed: the history does not reach so far.\n", OK);
    });
    stream.addEventListener("error", (event) => {
      // A message to a topic of that name.
      if ("data" in event) return;
      const { message = "it ended" } = event;
      if (stream.readyState !== EventSource.CLOSED) {
        printError(`The stream broke: ${message}. Coming back.\n`, OK);
      } else {
        end(printError(`The stream was refused. ${refusal || message}\n`, FAILED));
      }
    });
  });
}

async function publish(words: readonly string[]): Promise<number> {
  const options = { ...CONNECTION, id: text, private: yes };
  const { values, positionals } = read(words, options);
  const [topic, given, ...more] = positionals;
  if (topic === undefined || given === undefined || more.length > 0) {
    throw new UsageError(
      "A topic and its data are wanted, and nothing else. Put quotes around the JSON.",
    );
  }
  const data = given === "-" ? readFileSync(0, "utf8") : given;
  const message = { topic, data: parseData(data), id: values.id, private: values.private };
  const { api, headers } = connectionOf(values);
  const response = await fetch(`${api}/messages`, {
    method: "POST",
    headers: { ...headers, "Content-Type": "application/json" },
    body: JSON.stringify(message),
  }).catch((error: Error & { cause?: Error }) => {
    throw new Error(`${api} can't be reached: ${error.cause?.message ?? error.message}`);
  });
  const answer = parse(await response.text()) as { id?: string; message?: string };
  if (!response.ok || answer?.id === undefined) {
    throw new Error(
      `${response.status}: ${answer?.message ?? "that was no Pocketwire that answered"}`,
    );
  }
  process.stdout.write(`${answer.id}\n`);
  return OK;
}

async function token(words: readonly string[]): Promise<number> {
  const list = { type: "string", multiple: true } as const;
  const options = { sub: text, subscribe: list, publish: list, expires: text, secret: text };
  const { values, positionals } = read(words, options);
  if (positionals.length > 0)
    throw new UsageError(`token takes flags only, not "${positionals[0]}".`);
  if (values.sub === undefined) throw new UsageError("--sub is missing: whose token is it?");
  const secret = values.secret ?? process.env.REALTIME_JWT_SECRET?.split(/\s+/)[0] ?? "";
  if (secret.length < 32)
    throw new UsageError(
      "A secret of 32 characters or more is wanted, in --secret or REALTIME_JWT_SECRET.",
    );
  const realtime = { subscribe: values.subscribe ?? [], publish: values.publish ?? [] };
  const claims = new SignJWT({ sub: values.sub, realtime }).setProtectedHeader({ alg: "HS256" });
  const { expires = "1h" } = values;
  try {
    claims.setIssuedAt().setExpirationTime(expires);
  } catch {
    throw new UsageError(`--expires is a time such as 30s, 15m, 1h or 7d; it was "${expires}".`);
  }
  process.stdout.write(`${await claims.sign(new TextEncoder().encode(secret))}\n`);
  return OK;
}

function numberOf(flag: string, value: string): number {
  if (!/^\d{1,9}$/.test(value))
    throw new UsageError(`${flag} is a whole number; it was "${value}".`);
  return Number(value);
}

function parseData(data: string): unknown {
  try {
    return JSON.parse(data);
  } catch {
    throw new UsageError(
      `The data is not JSON: ${data.slice(0, 100)}\nA text is JSON with quotes of its own: '"hello"'.`,
    );
  }
}

function parse(data: string): unknown {
  try {
    return JSON.parse(data);
  } catch {
    return data;
  }
}

const isProgram =
  process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url);
if (isProgram) {
  const code = await run(process.argv.slice(2));
  if (code !== undefined) process.exit(code);
}
