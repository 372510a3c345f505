// Runs the commands of README.md and of docs/ as they are printed there, and checks what they print.
// `node .ci/readme.mjs REPORT` writes the counts to REPORT in the shape of Vitest's JSON report. It needs redis-server, the ports 8090,
// 3000 and 16379, and `npm ci` and `npm run build` must have run.
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { Blocks } from "./blocks.mjs";

const [report] = process.argv.slice(2);
const SERVICE = "http://127.0.0.1:8090";
const EMBEDDED = "http://127.0.0.1:3000";
const KEY = "pocketwire-development-key";
const LISTENING = /"msg":"listening","url":"http:\/\/127\.0\.0\.1:8090"/;

const blocks = new Blocks();
const started = [];

/** Runs a script to its end. @returns what it prints on standard output. */
function run(script) {
  const { status, stdout, stderr } = spawnSync("bash", ["-euc", script], { encoding: "utf8" });
  if (status !== 0) throw new Error(`exit ${status}: ${stderr}`);
  return stdout;
}

/** Starts a script that goes on running. The text of the process is what it has printed so far. */
function start(script) {
  const child = spawn("bash", ["-c", script], {
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  child.text = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text) => {
      child.text += text;
    });
  }
  child.ended = new Promise((resolve) => child.on("close", resolve));
  started.push(child);
  return child;
}

/** Ends a process and what it has started. */
async function stop(child) {
  try {
    process.kill(-child.pid, "SIGTERM");
  } catch {
    // It has ended already.
  }
  await Promise.race([child.ended, pause(15_000)]);
}

async function eventually(isTrue, label) {
  for (const end = Date.now() + 30_000; Date.now() < end; await pause(50)) {
    if (await isTrue()) return;
  }
  throw new Error(`not within 30 s: ${label}`);
}

async function untilPrinted(child, pattern, label) {
  try {
    await eventually(() => pattern.test(child.text), label);
  } catch (error) {
    throw new Error(`${error.message}; printed so far:\n${child.text}`);
  }
}

function expectMatch(text, pattern) {
  if (!pattern.test(text)) throw new Error(`${pattern} does not match:\n${text}`);
}

/** Waits until a client is subscribed to a topic. */
function untilSubscribed(topic) {
  const headers = { Authorization: `Bearer ${KEY}` };
  return eventually(async () => {
    const response = await fetch(`${SERVICE}/api/realtime/topics`, { headers });
    const { topics } = await response.json();
    return topics.some((one) => one.topic === topic);
  }, `a client is subscribed to ${topic}`);
}

const assertionResults = [];
const counts = { numPassedTests: 0, numFailedTests: 0, numPendingTests: 0, numFailedTestSuites: 0 };

async function check(title, test) {
  try {
    await test();
    counts.numPassedTests += 1;
    console.log(`ok: ${title}`);
  } catch (error) {
    counts.numFailedTests += 1;
    assertionResults.push({ fullName: title, status: "failed", failureMessages: [error.stack] });
    console.log(`FAILED: ${title}: ${error.stack}`);
  }
}

/** README, "Quick start": one terminal listens, another one publishes. */
async function listenAndPublish() {
  const listener = start(blocks.use("listen"));
  await untilSubscribed("chat");
  expectMatch(run(blocks.use("publish")), /^[\w-]{21}\n$/);
  await untilPrinted(listener, /^chat\t{"text":"hello"}$/m, "the message");
  await stop(listener);
}

/** The curl commands that the service prints at its start: the first one listens, the others subscribe and publish. */
async function runPrintedCommands(service) {
  const [listen, ...others] = service.text.match(/^ {2}curl .*$/gm) ?? [];
  const listener = start(listen);
  await untilPrinted(listener, /event: PB_CONNECT\ndata: .*\nid: .*\n\n/, "the handshake");
  run(others.join("\n"));
  await untilPrinted(listener, /event: chat\ndata: {"text":"hello"}\nid: .+\n\n/, "the message");
  await stop(listener);
}

async function checkQuickStart() {
  // `npm ci` has run, and would remove the packages that this program uses.
  const service = start(blocks.use("start").replace("npm ci && ", ""));
  await check("npm start listens, and the commands that it prints work", async () => {
    await untilPrinted(service, LISTENING, "it listens");
    await untilPrinted(service, /"topic":"chat"/, "it prints what to try");
    await runPrintedCommands(service);
  });
  await check("the command listens and publishes", listenAndPublish);
  await check("a message is published with curl", () => {
    expectMatch(run(blocks.use("publish-http")), /^{"id":"[\w-]{21}"}$/);
  });
  await check("a stream resumes, and the history is read", () => {
    const [first, second] = run(blocks.use("resume")).split('"while you were away"\n');
    expectMatch(first, /event: news\/\*\ndata: 1\n.*event: news\/\*\ndata: 2\n/s);
    expectMatch(second, /event: PB_RESUME\ndata: {"recovered":true,"replayed":1}/);
    expectMatch(second, /{"messages":\[.*"topics":\["news\/b"\]/);
  });
  await check("a message makes the round trip", () => {
    expectMatch(run(blocks.use("round-trip")), /^[\w-]{21}\ncheck\t"is it on\?"\n$/);
  });
  await check("health, administration, stats and metrics answer", () => {
    const answers = ["health", "administration", "stats", "alert-variables"].map((name) =>
      run(blocks.use(name).replaceAll("curl ", "curl -sSf ")),
    );
    expectMatch(answers[0], /API is healthy.*API is ready/);
    expectMatch(answers[1], /"clients":\[.*"topics":\[.*"disconnected":0/);
    for (const answer of answers.slice(2)) {
      expectMatch(answer, /"accepted":7.*pocketwire_messages_accepted_total 7\n/s);
      expectMatch(answer, /\nprocess_resident_memory_bytes \d+\n/);
    }
  });
  await check("a record event is published, and the history is filtered", () => {
    expectMatch(run(blocks.use("record-publish")), /^{"id":"[\w-]{21}"}$/);
    const record = /"data":{"action":"update","record":{"id":"r1","title":"Hello"}}/;
    expectMatch(run(blocks.use("record-history")), record);
  });
  await check("a message keeps its trace context", () => {
    const traceparent =
      /^{"id":"[\w-]{21}"}{"messages":\[.*"traceparent":"00-4bf92f35[\da-f-]+-01","data":"hello"/;
    expectMatch(run(blocks.use("traceparent")), traceparent);
  });
  await check("npm start stops in an orderly way on SIGTERM", async () => {
    // A process manager signals npm alone. The service must not outlive npm.
    process.kill(service.pid, "SIGTERM");
    await untilPrinted(service, /"msg":"stopped"/, "it stops");
    const { status } = spawnSync("curl", ["-sf", `${SERVICE}/api/health`]);
    if (status !== 7) throw new Error(`the port still answers (curl: ${status})`);
  });
  await stop(service);
}

async function checkSettings() {
  const withSecret = start(blocks.use("sign-in-service"));
  await check("a token brings private messages, and a guest gets none", async () => {
    await untilPrinted(withSecret, LISTENING, "it listens with a secret");
    const [anna, guest] = run(blocks.use("sign-in")).split("pocketwire-guest.txt");
    expectMatch(anna, /only with a right to it/);
    expectMatch(guest, /^(?!.*only with a right to it).*event: PB_CONNECT/s);
  });
  await stop(withSecret);
  const configured = start(blocks.use("configured"));
  await check("variables configure the service", async () => {
    await untilPrinted(configured, LISTENING, "it listens with these settings");
    const headers = { Origin: "https://b.example" };
    const response = await fetch(`${SERVICE}/api/health`, { headers });
    expectMatch(response.headers.get("access-control-allow-origin"), /^https:\/\/b\.example$/);
  });
  await stop(configured);
  const ruled = start(blocks.use("rules"));
  await check("the service starts with access rules", async () => {
    const line = /access rules.*collections\W+1\b.*the rules of \*/;
    await untilPrinted(ruled, line, "it logs how many rules there are");
    await untilPrinted(ruled, LISTENING, "it listens");
  });
  await stop(ruled);
  const withTopics = start(blocks.use("topic-rules"));
  await check("the service says which topic rule applies, and a topic is erased", async () => {
    await untilPrinted(withTopics, LISTENING, "it listens with topic rules");
    expectMatch(run(blocks.use("topic-rules-ask")), /"rules":\[.*"topic":"chat\/1","rule":0}$/);
    run("npx pocketwire publish users/7/a 1");
    expectMatch(run(blocks.use("topic-erase")), /^1\n$/);
  });
  await stop(withTopics);
  const withPresence = start(blocks.use("presence"));
  await check("a user with a token is a member of a topic with presence", async () => {
    await untilPrinted(withPresence, LISTENING, "it listens with presence");
    const token = run(blocks.use("presence-token")).trim();
    const listener = start(`npx pocketwire listen chat/1 --key ${token}`);
    await untilSubscribed("chat/1");
    const members =
      /^{"topic":"chat\/1","members":\[{"id":"anna","info":{"name":"Anna"},"since":\d+}\],"count":1,"guests":0}$/;
    expectMatch(run(blocks.use("presence-read")), members);
    await stop(listener);
  });
  await stop(withPresence);
  const production = start(blocks.use("production"));
  await check("the service starts as in production", async () => {
    await untilPrinted(production, LISTENING, "it listens");
    if (/curl/.test(production.text)) throw new Error(`it prints hints:\n${production.text}`);
  });
  await stop(production);
}

async function checkWorkers() {
  const worker = start("npm run dev:worker");
  await check("npm run dev:worker listens where npm start does", async () => {
    await untilPrinted(worker, /Ready on http:\/\/127\.0\.0\.1:8090/, "it listens");
    await listenAndPublish();
  });
  await check("a deployment on Workers is checked as docs/deploy.md says", async () => {
    const local = (name) =>
      blocks.use(name).replace("https://realtime.example.com", SERVICE).replace("your-key", KEY);
    const listener = start(local("check-listen"));
    await untilPrinted(listener, /event: PB_CONNECT\n/, "the handshake");
    expectMatch(run(local("check-publish")), /{"id":"[\w-]{21}"}.*"delivered":[1-9]/s);
    await untilPrinted(listener, /event: chat\ndata: {"text":"hello"}\n/, "the message");
    await stop(listener);
  });
  await stop(worker);
}

async function checkEmbedding() {
  await check("the embedding example serves both apps", async () => {
    const file = ".cache/readme-embed.mjs";
    mkdirSync(".cache", { recursive: true });
    writeFileSync(file, blocks.use("embed"));
    const app = start(`exec node ${file}`);
    const isUp = () => fetch(`${EMBEDDED}/api/realtime/messages?topic=orders`).then(({ ok }) => ok);
    await eventually(() => isUp().catch(() => false), "the app listens");
    const listener = start(`curl -sN '${EMBEDDED}/api/realtime?topic=orders'`);
    await untilPrinted(listener, /event: PB_CONNECT\n/, "the handshake");
    run(`curl -sSf -H 'Content-Type: application/json' ${EMBEDDED}/orders -d '{"n":1}'`);
    await untilPrinted(listener, /event: orders\ndata: {"n":1}\n/, "the order");
    process.kill(app.pid, "SIGTERM");
    await untilPrinted(listener, /\nretry: \d+\n\n$/, "the request to reconnect");
    await Promise.all([stop(app), stop(listener)]);
    rmSync(file, { force: true });
  });
}

/** A Redis without data on disk. */
const startRedis = (port) => start(`exec redis-server --port ${port} --save '' --appendonly no`);

async function checkCluster() {
  const cluster = start(blocks.use("cluster"));
  await check(
    "npm run cluster prints commands that work, also after a process was killed",
    async () => {
      await untilPrinted(cluster, /Ctrl-C stops everything/, "it runs");
      const [listen, publish, kill] = cluster.text.match(/^ {2}(npx|kill) .*$/gm) ?? [];
      const listener = start(listen);
      await untilSubscribed("chat");
      run(publish);
      await untilPrinted(listener, /^chat\t{"text":"hello"}$/m, "the message");
      run(kill);
      await untilPrinted(cluster, /process 1 runs again/, "the process runs again");
      run(publish);
      // Between the messages, the listener may say that it reconnects.
      await untilPrinted(listener, /(^chat\t{"text":"hello"}\n[\s\S]*){2}/m, "the second message");
      await stop(listener);
    },
  );
  await stop(cluster);
  const redis = startRedis(16379);
  const service = start(blocks.use("workers").replace("6379", "16379"));
  await check("pocketwire serve --workers starts workers on one port", async () => {
    await untilPrinted(service, /"msg":"listening".*"workers":4/, "all workers listen");
    await listenAndPublish();
  });
  await stop(service);
  await stop(redis);
}

try {
  await checkQuickStart();
  await checkSettings();
  await checkCluster();
  await checkWorkers();
  await checkEmbedding();
  await check("every command of README.md and docs/ was run, or says why not", () => {
    const unused = blocks.unused();
    if (unused.length > 0) throw new Error(`these were not run:\n${unused.join("\n")}`);
  });
} finally {
  await Promise.all(started.map(stop));
  writeFileSync(report, JSON.stringify({ ...counts, testResults: [{ assertionResults }] }));
}
