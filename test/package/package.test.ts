import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { postJSON } from "../support/api.ts";
import { closeClients } from "../support/clients.ts";
import { eventually } from "../support/deadline.ts";
import { openStream } from "../support/sse-client.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const bin = (name: string) => join(root, "node_modules/.bin", name);

/** An empty project that has installed the package as npm would have it. */
describe("the package", () => {
  const folder = mkdtempSync(join(tmpdir(), "pocketwire-package-"));
  let tarball: string;
  beforeAll(() => {
    const packed = execFileSync(
      "npm",
      ["pack", "--json", "--ignore-scripts", "--pack-destination", folder],
      {
        cwd: root,
        encoding: "utf8",
      },
    );
    tarball = join(folder, JSON.parse(packed)[0].filename);
    writeFileSync(join(folder, "package.json"), '{"type":"module","private":true}\n');
    const install = [
      "install",
      "--no-audit",
      "--no-fund",
      "--prefer-offline",
      tarball,
      "hono",
      "@hono/node-server",
    ];
    execFileSync("npm", install, { cwd: folder, stdio: "ignore" });
  });

  it("is as publint and attw want it", () => {
    execFileSync(bin("publint"), [tarball, "--strict"], { stdio: "pipe" });
    execFileSync(bin("attw"), [tarball, "--profile", "esm-only"], { stdio: "pipe" });
  });

  it("holds what it should and no tests, maps or sources", () => {
    const list = execFileSync("tar", ["-tzf", tarball], { encoding: "utf8" }).trim().split("\n");
    expect(list).toContain("package/README.md");
    expect(list).toContain("package/LICENSE");
    expect(
      list.filter((name) => !/^package\/(dist\/|README\.md|LICENSE|package\.json)/.test(name)),
    ).toEqual([]);
    expect(list.filter((name) => /\.map$|test|\.dev\.vars/.test(name))).toEqual([]);
  });

  it("brings nothing to a Worker that a Worker can't carry", () => {
    const text = readFileSync(join(folder, "node_modules/pocketwire/dist/cloudflare.js"), "utf8");
    const imported = [...text.matchAll(/(?:from|import\()\s*"([^"]+)"/g)].map(([, name]) => name);
    const carried = /^(cloudflare:workers|hono(\/[\w-]+)?|jose|nanoid|zod\/mini)$/;
    expect(imported.length).toBeGreaterThan(5);
    expect(imported.filter((name) => !carried.test(name ?? ""))).toEqual([]);
  });

  it("mounts in somebody's own Hono app on Node", async () => {
    const app = `import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { createServer } from "pocketwire";
import { nodeRuntime } from "pocketwire/node";
const realtime = createServer({ runtime: nodeRuntime, adminKey: "the-key-of-this-app" });
const app = new Hono().get("/", (c) => c.text("mine"));
app.route("/live", realtime.app);
serve({ fetch: app.fetch, port: 18433, hostname: "127.0.0.1" }, ({ port }) => console.log("port", port));
`;
    writeFileSync(join(folder, "app.js"), app);
    await tried(process.execPath, ["app.js"], "http://127.0.0.1:18433", "/live");
  });

  it("mounts in somebody's own Hono app on Workers", async () => {
    const app = `import { Hono } from "hono";
import { RealtimeHub, realtimeOf } from "pocketwire/cloudflare";
export { RealtimeHub };
const app = new Hono().get("/", (c) => c.text("mine"));
app.all("/api/*", (c) => realtimeOf(c.env).app.fetch(c.req.raw, c.env, c.executionCtx));
export default app;
`;
    writeFileSync(join(folder, "worker.js"), app);
    const config = `name = "mine"
main = "worker.js"
compatibility_date = "2026-04-26"
compatibility_flags = ["enable_request_signal"]
durable_objects.bindings = [{ name = "REALTIME_HUB", class_name = "RealtimeHub" }]
migrations = [{ tag = "v1", new_sqlite_classes = ["RealtimeHub"] }]
vars = { REALTIME_ADMIN_KEY = "the-key-of-this-app" }
`;
    writeFileSync(join(folder, "wrangler.toml"), config);
    const words = [
      "dev",
      "--ip",
      "127.0.0.1",
      "--port",
      "18434",
      "--inspector-port",
      "0",
      "--show-interactive-dev-session=false",
    ];
    await tried(bin("wrangler"), words, "http://127.0.0.1:18434", "");
  });

  async function tried(program: string, words: readonly string[], url: string, base: string) {
    const child = spawn(program, words, { cwd: folder, detached: true, stdio: "ignore" });
    try {
      const isMine = () =>
        fetch(url).then(
          (answer) => answer.text(),
          () => "",
        );
      await eventually(async () => (await isMine()) === "mine", "the app answers", 30_000);
      const client = await openStream(url + base, {}, "?topic=chat");
      const key = { Authorization: "Bearer the-key-of-this-app" };
      const path = `${base}/api/realtime/messages`;
      const answer = await postJSON(url, path, { topic: "chat", data: "hello" }, key);
      expect(answer.status).toBe(200);
      const [event] = await client.receive(1);
      expect(event?.data).toBe('"hello"');
    } finally {
      closeClients();
      process.kill(-(child.pid ?? 0), "SIGKILL");
    }
  }
});
