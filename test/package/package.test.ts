import { execFileSync, spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
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

const PAGES = [
  "README.md",
  "docs/ai.md",
  "docs/client.md",
  "docs/configuration.md",
  "docs/embedding.md",
];
const docs = PAGES.map((page) => readFileSync(join(root, page), "utf8")).join("\n");

/** A code block of the documentation, by its name. */
function block(name: string): string {
  const found = new RegExp(`<!-- ci: ${name} -->\n\`\`\`\\w+\n([\\s\\S]*?)\`\`\``).exec(docs)?.[1];
  if (found === undefined) throw new Error(`The documentation has no block "${name}".`);
  return found;
}

/** Routes that the Worker's test adds to the documentation's example: errors of both bundles, copies of the environment. */
const extraRoutes = `
import { RealtimeError as Own } from "pocketwire/cloudflare";
import { createServer, RealtimeError as Other } from "pocketwire";
app.get("/", (c) => c.text("mine"));
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

/** The configuration of a Worker that mounts the service. */
const WRANGLER_CONFIG = `name = "mine"
main = "worker.ts"
compatibility_date = "2026-04-26"
compatibility_flags = ["enable_request_signal"]
durable_objects.bindings = [{ name = "REALTIME_HUB", class_name = "RealtimeHub" }]
migrations = [{ tag = "v1", new_sqlite_classes = ["RealtimeHub"] }]
vars = { REALTIME_ADMIN_KEY = "the-key-of-this-app", REALTIME_CONSOLE = "true" }

[assets]
directory = "./node_modules/pocketwire/dist/assets"
binding = "ASSETS"
run_worker_first = true
`;

/** An empty project that has the packed package installed. */
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

  it("passes publint and attw", () => {
    execFileSync(bin("publint"), [tarball, "--strict"], { stdio: "pipe" });
    execFileSync(bin("attw"), [tarball, "--profile", "esm-only"], { stdio: "pipe" });
  });

  it("contains no tests, source maps or sources", () => {
    const list = execFileSync("tar", ["-tzf", tarball], { encoding: "utf8" }).trim().split("\n");
    expect(list).toContain("package/README.md");
    expect(list).toContain("package/LICENSE");
    expect(list).toContain("package/dist/assets/pocketwire-console.txt");
    expect(list).toContain("package/dist/assets/pocketwire-docs.txt");
    expect(
      list.filter((name) => !/^package\/(dist\/|README\.md|LICENSE|package\.json)/.test(name)),
    ).toEqual([]);
    expect(list.filter((name) => /\.map$|test|\.dev\.vars/.test(name))).toEqual([]);
  });

  it("imports only modules that Workers have in its Worker entry", () => {
    const text = readFileSync(join(folder, "node_modules/pocketwire/dist/cloudflare.js"), "utf8");
    const imported = [...text.matchAll(/(?:from|import\()\s*"([^"]+)"/g)].map(([, name]) => name);
    const carried = /^(cloudflare:workers|(hono|jose)(\/[\w-]+)*|nanoid|valibot)$/;
    expect(imported.length).toBeGreaterThan(5);
    expect(imported.filter((name) => !carried.test(name ?? ""))).toEqual([]);
  });

  it("mounts in a user's Hono app on Node", async () => {
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

  it("has documentation with examples that compile", () => {
    const blocks = [...docs.matchAll(/^```([jt]s)\n([\s\S]*?)^```/gm)];
    expect(blocks.length).toBeGreaterThan(9);
    const files = blocks.map(([, kind], index) => `docs-${index}.${kind}`);
    // Each example is a separate module.
    for (const [index, file] of files.entries())
      writeFileSync(join(folder, file), `${blocks[index]?.[2]}\nexport {};\n`);
    const compilerOptions = {
      ...{ allowJs: true, checkJs: true, noEmit: true, strict: true, noImplicitAny: false },
      ...{ target: "es2022", module: "nodenext", lib: ["ES2023", "DOM", "DOM.Iterable"] },
      ...{ skipLibCheck: true, types: ["node"], typeRoots: [join(root, "node_modules/@types")] },
      paths: {
        ai: [join(root, "node_modules/ai/dist/index.d.mts")],
        pocketbase: [join(root, "node_modules/pocketbase/dist/pocketbase.es.d.mts")],
        react: [join(root, "node_modules/@types/react/index.d.ts")],
      },
    };
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files }));
    const { stdout } = spawnSync(bin("tsc"), ["-p", folder], { encoding: "utf8" });
    expect(stdout).toBe("");
  });

  it("type-checks in a Worker's project, with Workers' types of wrangler or of npm", () => {
    const project = join(folder, "typed");
    mkdirSync(project);
    writeFileSync(join(project, "wrangler.toml"), WRANGLER_CONFIG);
    writeFileSync(
      join(project, "worker.ts"),
      `import { Hono } from "hono";
import { type Env, getRealtime, RealtimeHub as Hub, workerRuntime } from "pocketwire/cloudflare";
export class RealtimeHub extends Hub {
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env, { rules: { posts: { listRule: "public = true", viewRule: null } } });
  }
}
const app = new Hono<{ Bindings: Env }>();
app.get("/", async (c) => {
  await getRealtime(c.env).publish({ topic: "a", data: 1 });
  return c.text(String(getRealtime(c.env, { runtime: workerRuntime }).registry));
});
export default app;
`,
    );
    execFileSync(bin("wrangler"), ["types"], { cwd: project, stdio: "ignore" });
    // The `Env` that wrangler generates is accepted as well.
    const generated = `import { getRealtime } from "pocketwire/cloudflare";
export const open = (env: Cloudflare.Env) => getRealtime(env);
`;
    writeFileSync(join(project, "generated.ts"), generated);
    const npmTypes = join(root, "node_modules/@cloudflare/workers-types/index.d.ts");
    for (const [types, files] of [
      [npmTypes, ["worker.ts"]],
      ["./worker-configuration.d.ts", ["worker.ts", "generated.ts"]],
    ] as const) {
      const compilerOptions = {
        ...{ noEmit: true, strict: true, skipLibCheck: false, lib: ["ES2023"] },
        ...{ target: "es2022", module: "esnext", moduleResolution: "bundler", types: [types] },
      };
      writeFileSync(join(project, "tsconfig.json"), JSON.stringify({ compilerOptions, files }));
      const { stdout } = spawnSync(bin("tsc"), ["-p", project], { encoding: "utf8" });
      expect([types, stdout]).toEqual([types, ""]);
    }
  });

  it("has documentation with a hook that refuses long messages, of both kinds", async () => {
    const key = "the-key-of-this-app";
    const app = `${block("embed-hooks").replace("{\n  runtime", `{\n  adminKey: "${key}",\n  runtime`)}
for (const data of ["short", "x".repeat(1001)]) {
  for (const message of [
    { topic: "a", data },
    { collection: "posts", action: "create", record: { id: "r1", data } },
  ]) {
    const headers = { "Content-Type": "application/json", Authorization: "Bearer ${key}" };
    const init = { method: "POST", headers, body: JSON.stringify(message) };
    console.log((await realtime.app.request("/api/realtime/messages", init)).status);
  }
}
`;
    writeFileSync(join(folder, "hooks.js"), app);
    const { stdout } = spawnSync(process.execPath, ["hooks.js"], { cwd: folder, encoding: "utf8" });
    expect(stdout).toBe("200\n200\n403\n403\n");
  });

  it("mounts in a user's Hono app on Workers", async () => {
    const app = block("embed-worker").replace("export default app", extraRoutes);
    writeFileSync(join(folder, "worker.ts"), app);
    writeFileSync(join(folder, "wrangler.toml"), WRANGLER_CONFIG);
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
    await tried(bin("wrangler"), words, "http://127.0.0.1:18434", "", async (url) => {
      for (const [entry, status] of [
        ["own", 403],
        ["other", 403],
        ["copy", 200],
        ["differs", 500],
      ] as const) {
        const answer = await fetch(`${url}/${entry}`);
        expect([entry, answer.status, await answer.text()]).toEqual([
          ...[entry, status],
          entry === "differs" ? expect.stringContaining("hooks differs") : expect.anything(),
        ]);
      }
      expect(await (await fetch(`${url}/api/docs`)).text()).toContain("Pocketwire HTTP API");
      // Health checks are off in a mounted service, so the host app answers.
      expect((await fetch(`${url}/api/health`)).status).toBe(404);
    });
  });

  async function tried(
    program: string,
    words: readonly string[],
    url: string,
    base: string,
    more: (url: string) => Promise<void> = async () => {},
  ) {
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
      await more(url);
    } finally {
      closeClients();
      process.kill(-(child.pid ?? 0), "SIGKILL");
    }
  }
});
