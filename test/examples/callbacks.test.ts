/** The backend in Python, asked and told by a real service, with EventSource and the SDK. */
import { spawn, spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { EventSource } from "eventsource";
import { afterEach, expect, it } from "vitest";
import { createServer } from "../../src/api/server.ts";
import { startServer } from "../../src/node.ts";
import { call, postJSON } from "../support/api.ts";
import { CALLBACK_SECRET } from "../support/callback-backend.ts";
import { eventually } from "../support/deadline.ts";
import { leftOut } from "../support/flags.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const NO_PYTHON =
  spawnSync("python3", ["--version"]).status === 0 ? undefined : "there is no python3";
const cleanUps: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

/** Starts the backend. `lines` has what it has printed after its URL. */
async function startPython(secret = CALLBACK_SECRET) {
  const env = { PATH: process.env.PATH, PORT: "0", REALTIME_CALLBACK_SECRET: secret };
  const child = spawn("python3", ["examples/callbacks/backend.py"], { cwd: root, env });
  cleanUps.push(() => child.kill("SIGKILL"));
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  }
  const url = await eventually(() => /^http:\S+$/m.exec(output)?.[0], "the backend listens");
  return { url, lines: () => output.split("\n").slice(1, -1) };
}

async function serve(url: string) {
  const service = await startServer({
    port: 0,
    presenceGrace: 50,
    callbacks: {
      ...{ url, secret: CALLBACK_SECRET },
      ask: ["connect", "subscribe", "publish"],
      tell: ["occupied", "vacated"],
    },
  });
  cleanUps.push(() => service.close());
  return service;
}

it.skipIf(NO_PYTHON)(
  leftOut("the backend refuses a subscription, and is told that a topic is vacated", NO_PYTHON),
  async () => {
    const python = await startPython();
    const { url } = await serve(python.url);
    const source = new EventSource(`${url}/api/realtime`);
    cleanUps.push(() => source.close());
    let clientId = "";
    source.addEventListener("PB_CONNECT", ({ lastEventId }) => {
      clientId = lastEventId;
    });
    await eventually(() => clientId !== "", "the stream opens");
    const subscribe = (...subscriptions: string[]) =>
      postJSON(url, "/api/realtime", { clientId, subscriptions });
    expect((await subscribe("rooms/1")).status).toBe(204);
    await eventually(() => python.lines().length === 1, "the topic is occupied");
    const refused = await subscribe("rooms/1", "secret/1");
    expect(refused.status).toBe(403);
    expect(refused.body).toMatchObject({ message: "secret/1 is not for you." });
    expect((await subscribe("secret/*")).status).toBe(403);
    source.close();
    await eventually(() => python.lines().length === 2, "the topic is vacated");
    expect(python.lines()).toEqual(["occupied rooms/1", "vacated rooms/1"]);
    const history = await call(url, "/api/realtime/messages?topic=secret/1");
    expect(history.status).toBe(403);
  },
);

const forged = "the backend refuses a request with another signature";
it.skipIf(NO_PYTHON)(leftOut(forged, NO_PYTHON), async () => {
  const python = await startPython(`whsec_${"A".repeat(44)}`);
  const { app } = createServer({
    callbacks: { url: python.url, secret: CALLBACK_SECRET, ask: ["subscribe"] },
  });
  expect((await app.request("/api/realtime/messages?topic=rooms/1")).status).toBe(503);
});
