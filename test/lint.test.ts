import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "pocketwire-lint-"));

/** Lints files of a project that has this project's rules, and reports on the first file. */
function lint(files: Readonly<Record<string, string>>): { status: number | null; output: string } {
  const {
    $schema: _schema,
    vcs: _vcs,
    ...rules
  } = JSON.parse(readFileSync(join(root, "biome.json"), "utf8"));
  writeFileSync(join(folder, "biome.json"), JSON.stringify(rules));
  for (const [file, text] of Object.entries(files)) {
    const path = join(folder, file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
  const { status, stdout, stderr } = spawnSync(
    join(root, "node_modules/.bin/biome"),
    ["lint", "--colors=off", Object.keys(files)[0] ?? ""],
    { cwd: folder, encoding: "utf8" },
  );
  return { status, output: stdout + stderr };
}

function importOf(imported: string): string {
  return `import * as x from "${imported}";\n\nexport const y = x;\n`;
}

describe("imports point inward", () => {
  afterAll(() => rmSync(folder, { recursive: true }));

  const outward = [
    ["src/realtime/x.ts", "../log/log.ts"],
    ["src/realtime/x.ts", "../api/server.ts"],
    ["src/realtime/x.ts", "../index.ts"],
    ["src/realtime/x.ts", "hono"],
    ["src/realtime/x.ts", "node:fs"],
    ["src/realtime/x.ts", "@opentelemetry/api"],
    ["src/api/x.ts", "../tracing.ts"],
    ["src/realtime/replay/x.ts", "../../log/log.ts"],
    ["src/realtime/replay/x.ts", "hono/streaming"],
    ["src/log/x.ts", "../registry/registry.ts"],
    ["src/log/x.ts", "../api/server.ts"],
    ["src/log/x.ts", "./../registry/registry.ts"],
    ["src/log/x.ts", "node:fs"],
    ["src/registry/x.ts", "../stream/sink.ts"],
    ["src/registry/x.ts", "hono"],
    ["src/registry/x.ts", "../node.ts"],
    ["src/registry/in-process/x.ts", "../../api/server.ts"],
    ["src/stream/x.ts", "../api/runtime.ts"],
    ["src/stream/x.ts", "node:http"],
    ["src/api/x.ts", "../node.ts"],
    ["src/api/x.ts", "../config/config.ts"],
    ["src/api/x.ts", "node:http"],
    ["src/api/x.ts", "cloudflare:workers"],
    ["src/api/routes/x.ts", "../../runtimes/node/sink.ts"],
    ["src/api/routes/x.ts", "@hono/node-server"],
    ["src/config/x.ts", "../runtimes/process/listening.ts"],
    ["src/config/x.ts", "node:fs"],
    ["src/runtimes/node/x.ts", "../../node.ts"],
    ["src/runtimes/process/x.ts", "../../cli/flags.ts"],
    ["src/client/x.ts", "../realtime/types.ts"],
    ["src/client/x.ts", "hono"],
    ["src/react.ts", "./client.ts"],
    ["src/react.ts", "./client/connect.ts"],
    ["src/react.ts", "node:fs"],
    ["src/client/x.ts", "../ai/stop.ts"],
    ["src/ai/x.ts", "../client/connect.ts"],
    ["src/ai/x.ts", "../realtime/types.ts"],
    ["src/ai/x.ts", "node:crypto"],
    ["src/runtimes/node/x.ts", "../../ai.ts"],
    ["src/api/x.ts", "../ai/stop.ts"],
  ] as const;
  for (const [file, imported] of outward) {
    it(`lint rejects ${imported} in ${file}, with the reason`, () => {
      const { status, output } = lint({ [file]: importOf(imported) });
      expect(output).toContain("lint/style/noRestrictedImports");
      expect(output).toMatch(
        /Imports point inward|imports its own files only|imports React and the client/,
      );
      expect(status).toBe(1);
    });
  }

  const inward = [
    ["src/realtime/x.ts", "./types.ts"],
    ["src/realtime/replay/x.ts", "../types.ts"],
    ["src/log/x.ts", "../realtime/types.ts"],
    ["src/registry/x.ts", "../log/log.ts"],
    ["src/registry/in-process/x.ts", "../../realtime/manager.ts"],
    ["src/stream/x.ts", "../registry/registry.ts"],
    ["src/stream/x.ts", "hono/streaming"],
    ["src/api/x.ts", "../stream/sink.ts"],
    ["src/api/routes/x.ts", "../../realtime/types.ts"],
    ["src/api/x.ts", "hono"],
    ["src/config/x.ts", "../api/limits.ts"],
    ["src/runtimes/process/x.ts", "../../config/config.ts"],
    ["src/runtimes/node/x.ts", "node:http"],
    ["src/node.ts", "./runtimes/node/sink.ts"],
    ["src/react.ts", "./client/types.ts"],
    ["src/ai/x.ts", "./stop.ts"],
  ] as const;
  for (const [file, imported] of inward) {
    it(`lint accepts ${imported} in ${file}`, () => {
      const { status, output } = lint({ [file]: importOf(imported) });
      expect(output).not.toContain("noRestrictedImports");
      expect(status).toBe(0);
    });
  }

  it("lint rejects two files that import each other, even when they import only types", () => {
    const { status, output } = lint({
      "src/api/one.ts": 'import type { Two } from "./two.ts";\n\nexport type One = Two[];\n',
      "src/api/two.ts": 'import type { One } from "./one.ts";\n\nexport type Two = One[];\n',
    });
    expect(output).toContain("lint/suspicious/noImportCycles");
    expect(status).toBe(1);
  });

  it("no file imports a type with `import()`, which lint does not check", () => {
    const sources = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" });
    const hidden = sources
      .filter((file) => file.endsWith(".ts"))
      // The command loads the service only when it serves. The package of Redis is loaded only when it is configured, and the code
      // of shared streams only when a client shares its stream. OpenTelemetry is loaded only when the service is traced.
      .filter((file) => file !== "cli/serve.ts" && file !== "client/connect.ts")
      .filter((file) => !file.endsWith("process/redis/connection.ts"))
      .filter((file) => !file.endsWith("process/load-tracing.ts"))
      .filter((file) => /\bimport\(/.test(readFileSync(join(root, "src", file), "utf8")));
    expect(sources.length).toBeGreaterThan(20);
    expect(hidden).toEqual([]);
  });
});
