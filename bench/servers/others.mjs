// Mercure, Centrifugo and PocketBase. Each is measured if a variable of the environment has the path of its program:
// BENCH_MERCURE, BENCH_CENTRIFUGO, BENCH_POCKETBASE.
import { execFileSync } from "node:child_process";
import { createHmac } from "node:crypto";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PORT } from "./settings.mjs";

/** The servers listen only on 127.0.0.1, for the time of a measurement. */
const KEY = "the-key-of-the-benchmark-with-32-bytes-or-more";
const ACCOUNT = { identity: "bench@example.com", password: KEY };
const JSON_TYPE = ["--publish-header", "Content-Type: application/json"];

/** @param folder Folder of their configurations and data. */
export function otherServers(folder) {
  return [mercure, centrifugo, pocketbase].map((describe) => {
    const name = describe.name;
    const variable = `BENCH_${name.toUpperCase()}`;
    const program = process.env[variable];
    if (program) return { name, ...describe(program, join(folder, name)) };
    const missing = `set ${variable} to the path of its program`;
    return { name, title: `\`${name}\``, missing };
  });
}

/** Mercure 0.17 to 0.24. Mercure 1.0 has other tokens and parameters. The transport `local` keeps no history. */
function mercure(program, folder) {
  const file = join(folder, "Caddyfile");
  const path = "/.well-known/mercure";
  const bearer = (claims) => `Authorization: Bearer ${signToken({ mercure: claims })}`;
  return {
    title: "Mercure",
    command: [program, "run", "--config", file],
    // Caddy stores files of its own in these folders.
    env: { XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder },
    args: [
      ...["--path", `${path}?topic=msg`, "--stream-header", bearer({ subscribe: ["msg"] })],
      ...["--publish-path", path, "--publish-header", bearer({ publish: ["msg"] })],
      ...["--publish-header", "Content-Type: application/x-www-form-urlencoded"],
      ...["--body", "topic=msg&data=%U"],
    ],
    setUp() {
      emptyFolder(folder);
      writeFileSync(file, caddyfile());
    },
  };
}

function caddyfile() {
  return `{
	admin off
	persist_config off
	log {
		level ERROR
	}
}
http://:${PORT} {
	bind 127.0.0.1
	route {
		mercure {
			transport local
			publisher_jwt ${KEY}
			subscriber_jwt ${KEY}
		}
	}
}
`;
}

/** Centrifugo 6, with its unidirectional transport over SSE and a history of 1,000 messages, as Nchan has. */
function centrifugo(program, folder) {
  const file = join(folder, "config.json");
  const connect = encodeURIComponent(JSON.stringify({ subs: { msg: {} } }));
  return {
    title: "Centrifugo",
    command: [program, `--config=${file}`],
    args: [
      ...["--path", `/connection/uni_sse?cf_connect=${connect}`, "--publish-path", "/api/publish"],
      ...[...JSON_TYPE, "--publish-header", `X-API-Key: ${KEY}`],
      ...["--body", '{"channel":"msg","data":%D}'],
    ],
    setUp() {
      emptyFolder(folder);
      const channel = {
        ...{ allow_subscribe_for_client: true, allow_subscribe_for_anonymous: true },
        ...{ history_size: 1000, history_ttl: "60s" },
      };
      const config = {
        http_server: { address: "127.0.0.1", port: PORT },
        http_api: { key: KEY },
        uni_sse: { enabled: true },
        client: { allow_anonymous_connect_without_token: true },
        channel: { without_namespace: channel },
        log: { level: "error" },
      };
      writeFileSync(file, JSON.stringify(config, null, 2));
    },
  };
}

/** PocketBase 0.23 or newer. A publish creates a record as a superuser, in a database that is empty at the start. */
function pocketbase(program, folder) {
  const data = ["--dir", join(folder, "pb_data")];
  return {
    title: "PocketBase",
    command: [program, "serve", "--http", `127.0.0.1:${PORT}`, ...data],
    args: [
      ...["--path", "/api/realtime", "--subscribe-path", "/api/realtime"],
      ...["--subscribe-body", '{"clientId":"%C","subscriptions":["msg/*"]}'],
      ...["--publish-path", "/api/collections/msg/records", ...JSON_TYPE],
      ...["--body", '{"data":%D}'],
    ],
    setUp() {
      emptyFolder(folder);
      execFileSync(program, ["superuser", "upsert", ACCOUNT.identity, ACCOUNT.password, ...data], {
        stdio: ["ignore", "ignore", "inherit"],
      });
    },
    async prepare() {
      const { token } = await post("_superusers/auth-with-password", ACCOUNT);
      const fields = [{ name: "data", type: "json" }];
      // Without a `createRule`, only superusers create records. An empty `listRule` lets everyone subscribe.
      const rules = { listRule: "", viewRule: "" };
      await post("", { name: "msg", type: "base", fields, ...rules }, { Authorization: token });
      return ["--publish-header", `Authorization: ${token}`];
    },
  };
}

async function post(path, body, headers) {
  const url = `http://127.0.0.1:${PORT}/api/collections${path && `/${path}`}`;
  const response = await fetch(url, {
    method: "POST",
    headers: { "Content-Type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`PocketBase refused POST ${url}: ${response.status} ${text}`);
  return JSON.parse(text);
}

/** A JWT with HS256. */
function signToken(claims) {
  const encode = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const text = `${encode({ alg: "HS256", typ: "JWT" })}.${encode(claims)}`;
  return `${text}.${createHmac("sha256", KEY).update(text).digest("base64url")}`;
}

function emptyFolder(folder) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
}
