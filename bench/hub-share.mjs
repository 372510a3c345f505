// Measures which part of the time in JavaScript workerd spends in the hub. workerd runs the Worker and the hub in one thread, so
// a CPU profile of workerd has both. The source file of a function says whether the function belongs to the Worker or to the hub.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { WebSocket } from "ws";
import { TOOLS } from "./build.mjs";
import { measure } from "./measure.mjs";
import { WORKERD } from "./servers/index.mjs";
import { INSPECTOR_PORT } from "./servers/settings.mjs";

/** Maximum time in milliseconds for an answer of the inspector. A profile of many deliveries is large. */
const TIMEOUT = 30_000;
/** The folders and files that run only in the hub. */
const OF_HUB = /^src\/(realtime|log|registry\/durable-object\/hub)/;

/**
 * Measures a delivery in workerd while it is profiled, and adds `hub_percent`: the hub's part of the time in JavaScript, and
 * `native_percent`: the part of all time outside of JavaScript, such as the sockets, which belongs to both.
 */
export async function profileHub(load, signal) {
  let inspector;
  const server = {
    ...WORKERD,
    env: { BENCH_INSPECTOR: String(INSPECTOR_PORT) },
    async prepare() {
      inspector = await connectInspector();
      await inspector.ask("Profiler.enable");
      await inspector.ask("Profiler.start");
      return [];
    },
    async finish() {
      const { profile } = await inspector.ask("Profiler.stop");
      return shares(profile, sourcesOf(readFileSync(join(TOOLS, "worker/worker.js"), "utf8")));
    },
  };
  try {
    return await measure(server, load, signal);
  } finally {
    inspector?.close();
  }
}

async function connectInspector() {
  const response = await fetch(`http://127.0.0.1:${INSPECTOR_PORT}/json`);
  const [{ webSocketDebuggerUrl }] = await response.json();
  const socket = new WebSocket(webSocketDebuggerUrl);
  const answers = new Map();
  socket.on("message", (text) => {
    const { id, result } = JSON.parse(text);
    answers.get(id)?.(result);
  });
  await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
  let last = 0;
  return {
    ask(method) {
      last += 1;
      const id = last;
      socket.send(JSON.stringify({ id, method }));
      return new Promise((resolve, reject) => {
        const late = new Error(`workerd did not answer ${method} within ${TIMEOUT} ms.`);
        const timer = setTimeout(reject, TIMEOUT, late);
        answers.set(id, (result) => {
          clearTimeout(timer);
          resolve(result);
        });
      });
    },
    close: () => socket.terminate(),
  };
}

/** Returns the source file of each line of a bundle. esbuild writes its name before its code, as a comment. */
export function sourcesOf(bundle) {
  let file = "";
  return bundle.split("\n").map((line) => {
    file = /^\s*\/\/ ((?:src|node_modules)\/\S+)$/.exec(line)?.[1] ?? file;
    return file;
  });
}

/** Sums up the samples of a V8 profile. The outermost function of ours in a stack says whether the hub or the Worker runs. */
export function shares({ nodes, samples, timeDeltas }, sources) {
  const parents = new Map();
  const byId = new Map(nodes.map((node) => [node.id, node]));
  for (const { id, children = [] } of nodes) for (const child of children) parents.set(child, id);
  const times = { hub: 0, worker: 0, native: 0 };
  for (const [index, id] of samples.entries()) {
    const part = partOf(id);
    if (part !== undefined) times[part] += timeDeltas[index];
  }
  const inJavaScript = times.hub + times.worker;
  return {
    hub_percent: (times.hub / inJavaScript) * 100,
    native_percent: (times.native / (inJavaScript + times.native)) * 100,
  };

  function partOf(id) {
    if (byId.get(id).callFrame.functionName === "(idle)") return undefined;
    let outermost;
    for (let at = id; at !== undefined; at = parents.get(at)) {
      const { url, lineNumber } = byId.get(at).callFrame;
      const source = url === "" ? "" : (sources[lineNumber] ?? "");
      if (source.startsWith("src/")) outermost = source;
    }
    if (outermost === undefined) return "native";
    return OF_HUB.test(outermost) ? "hub" : "worker";
  }
}
