import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { postJSON } from "../support/api.ts";
import { closeClients } from "../support/clients.ts";
import { eventually } from "../support/deadline.ts";
import { freePort } from "../support/free-port.mjs";
import { openStream } from "../support/sse-client.ts";
import { codeBlock, WRANGLER_CONFIG } from "../support/worker-project.ts";
import { installTarball } from "./installed.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Routes that the Worker's test adds to the documentation's example: errors of both bundles, copies of the environment. */
const extraRoutes = `
import * as all from "pocketwire/cloudflare";
import { RealtimeError as Own } from "pocketwire/cloudflare";
import { createServer, RealtimeError as Other } from "pocketwire";
app.get("/", (c) => c.text("mine"));
app.get("/names", (c) => c.json(Object.keys(all)));
app.get("/api/docs", (c) => getRealtime(c.env).app.fetch(c.req.raw, c.env));
for (const [name, Thrown] of [["own", Own], ["other", Other]]) {
  const onConnect = () => { throw new Thrown("not_allowed", "Not you."); };
  // Each bundle must recognise the errors of the other one.
  app.get("/" + name, (c) => createServer({ hooks: { onConnect } }).app.request("/api/realtime"));
}
app.get("/copy", (c) => c.text(String(getRealtime({ ...c.env }) === getRealtime(c.env)), getRealtime({ ...c.env }) === getRealtime(c.env) ? 200 : 500));
app.get("/differs", (c) => {
  getRealtime(c.env, { hooks: { onConnect() {} } });
  try {
    getRealtime(c.env, { hooks: { onConnect() { throw new Own("not_allowed", "Not you."); } } });
  } catch (error) {
    return c.text(error.message, 500);
  }
  return c.text("the hooks are ignored");
});
export default app`;

/** `wrangler dev` bundles the Worker and runs it in workerd. */
describe("the installed package on Workers", () => {
  let wrangler: ChildProcess;
  let url: string;
  let output = "";
  beforeAll(async () => {
    const folder = installTarball("npm");
    const documented = codeBlock(readFileSync(`${root}docs/embedding.md`, "utf8"), "embed-worker");
    const app = documented.replace("export default app", extraRoutes);
    writeFileSync(join(folder, "worker.ts"), app);
    writeFileSync(join(folder, "wrangler.toml"), WRANGLER_CONFIG);
    const port = await freePort();
    url = `http://127.0.0.1:${port}`;
    const program = `${root}node_modules/wrangler/bin/wrangler.js`;
    const words = ["dev", "--ip", "127.0.0.1", "--port", port, "--inspector-port", "0"];
    wrangler = spawn(
      process.execPath,
      [program, ...words, "--show-interactive-dev-session=false"],
      // A separate process group, so that workerd ends with wrangler.
      { cwd: folder, detached: true, stdio: ["ignore", "pipe", "pipe"] },
    );
    for (const stream of [wrangler.stdout, wrangler.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        output += text;
      });
    }
    await eventually(() => {
      if (wrangler.exitCode !== null) throw new Error(`wrangler has ended:\n${output}`);
      return output.includes("Ready on");
    }, "wrangler is ready");
  });
  afterAll(() => {
    closeClients();
    if (wrangler?.pid !== undefined) process.kill(-wrangler.pid, "SIGKILL");
  });

  it("mounts in a user's Hono app, publishes and receives", async () => {
    expect(await (await fetch(url)).text()).toBe("mine");
    const client = await openStream(url, {}, "?topic=chat");
    const key = { Authorization: "Bearer the-key-of-this-app" };
    const message = { topic: "chat", data: "hello" };
    const answer = await postJSON(url, "/api/realtime/messages", message, key);
    expect(answer.status).toBe(200);
    const [event] = await client.receive(1);
    expect(event?.data).toBe('"hello"');
  });

  it("exports what a Worker needs", async () => {
    const names = await (await fetch(`${url}/names`)).json();
    expect(names).toEqual(expect.arrayContaining(["RealtimeHub", "getRealtime", "workerRuntime"]));
  });

  it.each([
    ["own", 403],
    ["other", 403],
    ["copy", 200],
    ["differs", 500],
  ] as const)("has the route /%s of a host app, which returns %i", async (entry, status) => {
    const answer = await fetch(`${url}/${entry}`);
    expect([answer.status, await answer.text()]).toEqual([
      status,
      entry === "differs" ? expect.stringContaining("hooks differ") : expect.anything(),
    ]);
  });

  it("has the documentation of the HTTP API, and leaves the health check to the host app", async () => {
    expect(await (await fetch(`${url}/api/docs`)).text()).toContain("Pocketwire HTTP API");
    expect((await fetch(`${url}/api/health`)).status).toBe(404);
  });
});
