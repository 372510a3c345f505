import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { codeBlock, WRANGLER_CONFIG } from "../support/worker-project.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const bin = (name: string) => join(root, "node_modules/.bin", name);

const PAGES = [
  "README.md",
  "docs/ai.md",
  "docs/client.md",
  "docs/configuration.md",
  "docs/embedding.md",
  "docs/tracing.md",
];
const docs = PAGES.map((page) => readFileSync(join(root, page), "utf8")).join("\n");

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

  it("imports only modules that Workers have in its Worker entry", () => {
    const text = readFileSync(join(folder, "node_modules/pocketwire/dist/cloudflare.js"), "utf8");
    const imported = [...text.matchAll(/(?:from|import\()\s*"([^"]+)"/g)].map(([, name]) => name);
    const carried = /^(cloudflare:workers|(hono|jose)(\/[\w-]+)*|nanoid|valibot)$/;
    expect(imported.length).toBeGreaterThan(5);
    expect(imported.filter((name) => !carried.test(name ?? ""))).toEqual([]);
  });

  it("says which package tracing needs", () => {
    const { status, stdout } = spawnSync(
      process.execPath,
      ["node_modules/pocketwire/dist/node.js"],
      {
        cwd: folder,
        encoding: "utf8",
        env: { PATH: process.env.PATH, PORT: "0", REALTIME_TRACING: "true", LOG_FORMAT: "json" },
      },
    );
    expect(status).toBe(1);
    expect(stdout).toContain("could not start");
    expect(stdout).toContain("npm install @opentelemetry/api");
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
        "@opentelemetry/sdk-trace-node": [
          join(root, "node_modules/@opentelemetry/sdk-trace-node/build/src/index.d.ts"),
        ],
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
    const app = `${codeBlock(docs, "embed-hooks").replace("{\n  runtime", `{\n  adminKey: "${key}",\n  runtime`)}
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
});
