// Runs the README's commands as they stand there, with the service started by the README's own command, and
// looks at what comes out. `node .ci/readme.mjs REPORT` writes the counts in the shape of Vitest's JSON report.
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";

const [report] = process.argv.slice(2);
const readme = readFileSync("README.md", "utf8");
const block = (name) => {
  const match = new RegExp(`<!-- ci: ${name} -->\n\`\`\`\\w+\n([\\s\\S]*?)\`\`\``).exec(readme);
  if (match === null) throw new Error(`README.md has no block "${name}"`);
  return match[1];
};
const shell = (script) => {
  const { status, stdout, stderr } = spawnSync("bash", ["-euc", script], { encoding: "utf8" });
  if (status !== 0) throw new Error(`exit ${status}: ${stderr}`);
  return stdout;
};
const started = [];
const start = (command, args) => {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"], detached: true });
  child.text = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text) => {
      child.text += text;
    });
  }
  started.push(child);
  return child;
};
const stop = (child) => {
  try {
    process.kill(-child.pid, "SIGTERM");
  } catch {
    // It is gone already.
  }
};
const until = async (child, pattern, label) => {
  for (const end = Date.now() + 30_000; Date.now() < end; await pause(50)) {
    if (pattern.test(child.text)) return;
  }
  throw new Error(`not within 30 s: ${label}; printed so far:\n${child.text}`);
};

const counts = { numPassedTests: 0, numFailedTests: 0, numPendingTests: 0, numFailedTestSuites: 0 };
const check = async (title, run) => {
  try {
    await run();
    counts.numPassedTests += 1;
    console.log(`ok: ${title}`);
  } catch (error) {
    counts.numFailedTests += 1;
    console.log(`FAILED: ${title}: ${error.stack}`);
  }
};

const hearAndPublish = async () => {
  const listener = start("bash", ["-c", block("listen")]);
  await until(listener, /event: PB_CONNECT\ndata: .*\nid: .*\n\n/, "the handshake");
  shell(block("publish"));
  await until(listener, /event: chat\ndata: {"text":"hello"}\nid: .+\n\n/, "the message");
  stop(listener);
};

const embedded = ".cache/readme-embed.mjs";
try {
  const service = start("npm", ["start"]);
  await check("npm start listens and prints the README's lines", async () => {
    await until(service, /"msg":"listening","url":"http:\/\/127\.0\.0\.1:8090"/, "it listens");
    await until(service, /"topic":"chat"/, "the hints are printed");
    const lines = `${block("listen")}${block("publish")}`.trim().split("\n");
    for (const line of lines) {
      if (!service.text.includes(line)) throw new Error(`not printed: ${line}\n${service.text}`);
    }
  });
  await check("curl hears what curl publishes", hearAndPublish);
  await check("the command publishes and listens", () => {
    const output = shell(block("command"));
    if (!/^[\w-]{21}\nchat\t{"text":"hello"}\n$/.test(output)) throw new Error(output);
  });
  await check("a stream resumes, and the history is read", () => {
    const output = shell(block("resume"));
    const heard =
      /event: news\/\*\ndata: 2\n.*event: news\/\*\ndata: "while you were away"\n.*"recovered":true,"replayed":1}/s;
    if (!heard.test(output) || !/"messages":\[.*"topics":\["news\/c"\]/.test(output)) {
      throw new Error(output);
    }
  });
  await check("health and stats answer", async () => {
    const output = shell(block("operate").replaceAll("curl ", "curl -sSf "));
    const wanted =
      /API is healthy.*API is ready.*pocketwire_messages_accepted_total 5\n.*"accepted":5.*"clients":\[.*"topics":\[.*"disconnected":0/s;
    if (!wanted.test(output)) throw new Error(output);
  });
  await check("npm start stops in an orderly way on SIGTERM", async () => {
    // npm alone gets the signal, as from a process manager; the service must not outlive it.
    process.kill(service.pid, "SIGTERM");
    await until(service, /"msg":"stopped"/, "it stops");
    const { status } = spawnSync("curl", ["-sf", "http://127.0.0.1:8090/api/health"]);
    if (status !== 7) throw new Error(`something still answers at the port (curl: ${status})`);
  });
  const signIn = start("bash", ["-c", block("sign-in-service")]);
  await check("a token brings private messages, and a guest gets none", async () => {
    await until(signIn, /"msg":"listening"/, "it listens with a secret");
    const [anna, guest] = shell(block("sign-in")).split("pocketwire-guest.txt");
    const isSecret = (text) => text.includes("for those with a right to it");
    if (!isSecret(anna) || isSecret(guest) || !/event: PB_CONNECT/.test(guest)) {
      throw new Error(anna + guest);
    }
    stop(signIn);
    await until(signIn, /"msg":"stopped"/, "it stops");
  });
  stop(signIn);
  const worker = start("npm", ["run", "dev:worker"]);
  await check(
    "npm run dev:worker listens where npm start does, and curl hears what curl publishes",
    async () => {
      await until(worker, /Ready on http:\/\/127\.0\.0\.1:8090/, "it listens");
      await hearAndPublish();
    },
  );
  stop(worker);
  await check("the embedding example serves both apps", async () => {
    mkdirSync(".cache", { recursive: true });
    writeFileSync(embedded, block("embed"));
    const app = start("node", [embedded]);
    const url = "http://127.0.0.1:3000";
    for (let tries = 0; ; tries++) {
      const { status } = spawnSync("curl", ["-sf", `${url}/api/realtime/messages?topic=orders`]);
      if (status === 0) break;
      if (tries > 100) throw new Error(`it does not listen: ${app.text}`);
      await pause(100);
    }
    const listener = start("curl", ["-sN", `${url}/api/realtime`]);
    await until(listener, /^id: \S+$/m, "the handshake");
    const id = /^id: (\S+)$/m.exec(listener.text)[1];
    const json = "-sSf -H 'Content-Type: application/json'";
    const keys = JSON.stringify({ clientId: id, subscriptions: ["orders"] });
    shell(`curl ${json} ${url}/api/realtime -d '${keys}'; curl ${json} ${url}/orders -d '{"n":1}'`);
    await until(listener, /event: orders\ndata: {"n":1}\n/, "the order");
    process.kill(app.pid, "SIGTERM");
    await until(listener, /\nretry: \d+\n\n$/, "the end of the stream, with a time to come back");
  });
} finally {
  for (const child of started) stop(child);
  rmSync(embedded, { force: true });
  writeFileSync(report, JSON.stringify(counts));
}
