#!/usr/bin/env node
// Stands for the programs of Mercure, Centrifugo and PocketBase in the tests of the benchmark. The command line says for which.
// Speaks as much of the protocol of each as a subscriber and a publisher need, and refuses what the real program would refuse.
// Appends its command lines to the file BENCH_TEST_RECORD.
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { text } from "node:stream/consumers";
import { jwtVerify } from "jose";

const words = process.argv.slice(2);
appendFileSync(process.env.BENCH_TEST_RECORD, `${JSON.stringify(words)}\n`);
const streams = new Set();
const optionOf = (name) => words[words.indexOf(name) + 1];

if (words[0] === "run") mercure(readFileSync(optionOf("--config"), "utf8"));
else if (words[0] === "superuser") {
  mkdirSync(optionOf("--dir"));
  writeFileSync(accountFile(), JSON.stringify({ identity: words[2], password: words[3] }));
} else if (words[0] === "serve") pocketbase(JSON.parse(readFileSync(accountFile(), "utf8")));
else centrifugo(JSON.parse(readFileSync(words[0].replace("--config=", ""), "utf8")));

function mercure(caddyfile) {
  const match = (pattern) => pattern.exec(caddyfile)[1];
  const keys = {
    subscribe: match(/^\s*subscriber_jwt (\S+)$/m),
    publish: match(/^\s*publisher_jwt (\S+)$/m),
  };
  const may = async (request, action, topic) => {
    const token = request.headers.authorization.replace("Bearer ", "");
    const { payload } = await jwtVerify(token, Buffer.from(keys[action]), {
      algorithms: ["HS256"],
    });
    return payload.mercure[action].includes(topic);
  };
  serve(match(/^http:\/\/:(\d+) \{$/m), async (request, url, body) => {
    if (url.pathname !== "/.well-known/mercure") return 404;
    if (request.method === "GET") {
      return (await may(request, "subscribe", url.searchParams.get("topic"))) ? stream(":\n") : 401;
    }
    if (request.headers["content-type"] !== "application/x-www-form-urlencoded") return 400;
    const form = new URLSearchParams(body);
    if (!(await may(request, "publish", form.get("topic")))) return 401;
    send(`id: urn:uuid:1\ndata: ${form.get("data")}\n\n`);
    return 200;
  });
}

function centrifugo(config) {
  const { allow_subscribe_for_client: clients, allow_subscribe_for_anonymous: guests } =
    config.channel.without_namespace;
  const isOpen = config.client.allow_anonymous_connect_without_token && clients && guests;
  serve(config.http_server.port, (request, url, body) => {
    if (url.pathname === "/connection/uni_sse" && config.uni_sse.enabled && isOpen) {
      const { subs } = JSON.parse(url.searchParams.get("cf_connect"));
      return stream(`\r\ndata: ${JSON.stringify({ connect: { client: "c", subs } })}\n\n`);
    }
    if (url.pathname !== "/api/publish") return 404;
    if (request.headers["x-api-key"] !== config.http_api.key) return 401;
    const { channel, data } = JSON.parse(body);
    send(`data: ${JSON.stringify({ channel, pub: { data } })}\n\n`);
    return json({ result: {} });
  });
}

function pocketbase(account) {
  const token = "the-token-of-the-superuser";
  let collection;
  let clients = 0;
  const subscribed = new Set();
  const routes = {
    "/api/collections/_superusers/auth-with-password": (body) =>
      body.identity === account.identity && body.password === account.password
        ? json({ token })
        : 400,
    "/api/collections": (body, isSuperuser) => {
      if (!isSuperuser) return 401;
      collection = body;
      return json({ id: "pbc_1", ...body });
    },
    "/api/realtime": ({ clientId, subscriptions }) => {
      if (collection.listRule !== "" || subscriptions[0] !== `${collection.name}/*`) return 403;
      subscribed.add(clientId);
      return 204;
    },
    "/api/collections/msg/records": ({ data }, isSuperuser) => {
      if (!isSuperuser || collection.fields[0].name !== "data") return 403;
      const event = { action: "create", record: { collectionName: "msg", data, id: "r1" } };
      const receives = ({ id }) => subscribed.has(id);
      send(`event:msg/*\ndata:${JSON.stringify(event)}\n\n`, receives);
      return json(event.record);
    },
  };
  serve(optionOf("--http").split(":")[1], (request, { pathname }, body) => {
    if (request.method === "GET") {
      clients += 1;
      const id = `client${clients}`;
      return stream(`id:${id}\nevent:PB_CONNECT\ndata:{"clientId":"${id}"}\n\n`, id);
    }
    const isSuperuser = request.headers.authorization === token;
    return routes[pathname]?.(JSON.parse(body), isSuperuser) ?? 404;
  });
}

function accountFile() {
  return `${optionOf("--dir")}/account.json`;
}

const stream = (start, id) => ({ start, id });
const json = (value) => ({ value });

function send(frame, receives = () => true) {
  for (const one of streams) if (receives(one)) one.response.write(frame);
}

/** `answer` returns a status, a JSON value or the start of a stream. */
function serve(port, answer) {
  createServer(async (request, response) => {
    const url = new URL(request.url, "http://127.0.0.1");
    const body = await text(request);
    const result = await Promise.resolve(answer(request, url, body)).catch(() => 401);
    if (typeof result === "number") return response.writeHead(result).end();
    if ("value" in result) return response.end(JSON.stringify(result.value));
    response.writeHead(200, { "Content-Type": "text/event-stream" }).write(result.start);
    return streams.add({ response, id: result.id });
  }).listen(Number(port), "127.0.0.1");
}
