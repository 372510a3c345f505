import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "pocketwire-lint-"));

/** Lints a file that holds nothing but this import, by this project's rules. */
function lint(file: string, imported: string): { status: number | null; output: string } {
  const {
    $schema: _schema,
    vcs: _vcs,
    ...rules
  } = JSON.parse(readFileSync(join(root, "biome.json"), "utf8"));
  writeFileSync(join(folder, "biome.json"), JSON.stringify(rules));
  const path = join(folder, file);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `import * as x from "${imported}";\n\nexport const y = x;\n`);
  const { status, stdout, stderr } = spawnSync(
    join(root, "node_modules/.bin/biome"),
    ["lint", "--colors=off", file],
    { cwd: folder, encoding: "utf8" },
  );
  return { status, output: stdout + stderr };
}

describe("imports point inward", () => {
  afterAll(() => rmSync(folder, { recursive: true }));

  const outward = [
    ["src/realtime/x.ts", "../log/log.ts"],
    ["src/realtime/x.ts", "../api/server.ts"],
    ["src/realtime/x.ts", "hono"],
    ["src/realtime/x.ts", "node:fs"],
    ["src/log/x.ts", "../registry/registry.ts"],
    ["src/log/x.ts", "../api/server.ts"],
    ["src/log/x.ts", "./../registry/registry.ts"],
    ["src/log/x.ts", "node:fs"],
    ["src/registry/x.ts", "../api/server.ts"],
    ["src/registry/x.ts", "hono"],
    ["src/registry/x.ts", "../node.ts"],
    ["src/api/x.ts", "../node.ts"],
    ["src/api/x.ts", "node:http"],
    ["src/api/x.ts", "cloudflare:workers"],
  ] as const;
  for (const [file, imported] of outward) {
    it(`lint rejects ${imported} in ${file}, and says why`, () => {
      const { status, output } = lint(file, imported);
      expect(output).toContain("lint/style/noRestrictedImports");
      expect(output).toContain("Imports point inward");
      expect(status).toBe(1);
    });
  }

  const inward = [
    ["src/realtime/x.ts", "./types.ts"],
    ["src/log/x.ts", "../realtime/types.ts"],
    ["src/registry/x.ts", "../log/log.ts"],
    ["src/registry/x.ts", "../realtime/manager.ts"],
    ["src/api/x.ts", "../registry/registry.ts"],
    ["src/api/x.ts", "hono"],
    ["src/node.ts", "./api/server.ts"],
    ["src/node.ts", "node:http"],
  ] as const;
  for (const [file, imported] of inward) {
    it(`lint takes ${imported} in ${file}`, () => {
      const { status, output } = lint(file, imported);
      expect(output).not.toContain("noRestrictedImports");
      expect(status).toBe(0);
    });
  }

  it("no type is imported in a way that lint does not see", () => {
    const sources = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" });
    const hidden = sources
      .filter((file) => file.endsWith(".ts"))
      // An entry, which may import anything; it loads the service only when it serves.
      .filter((file) => file !== "cli.ts")
      .filter((file) => /\bimport\(/.test(readFileSync(join(root, "src", file), "utf8")));
    expect(sources.length).toBeGreaterThan(20);
    expect(hidden).toEqual([]);
  });
});
