/** Checks resources against the published types of Kubernetes, with TypeScript: unknown, missing and wrong fields are errors. */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Resource } from "./kustomize.ts";

const repository = fileURLToPath(new URL("../../..", import.meta.url));

/** Where `kubernetes-types` has a kind. */
function moduleOf(apiVersion: string): string {
  const [group = "", version] = apiVersion.includes("/")
    ? apiVersion.split("/")
    : ["core", apiVersion];
  return `kubernetes-types/${group.replace(/\..*$/, "")}/${version}`;
}

/** The errors, each with the kind and name of its resource in front. */
export function checkTypes(resources: readonly Resource[]): string[] {
  const parent = join(repository, ".cache/deploy");
  mkdirSync(parent, { recursive: true });
  // Inside of the repository, so that TypeScript finds `kubernetes-types`.
  const folder = mkdtempSync(join(parent, "types-"));
  try {
    const names = resources.map(
      ({ kind, metadata }, index) => `${kind}-${metadata.name}-${index}.ts`,
    );
    for (const [index, resource] of resources.entries()) {
      const { kind, apiVersion } = resource;
      const type = `Required<Pick<${kind}, "apiVersion" | "kind" | "metadata">> & ${kind}`;
      const source = `import type { ${kind} } from "${moduleOf(apiVersion)}";\nexport const resource: ${type} = ${JSON.stringify(resource)};\n`;
      writeFileSync(join(folder, names[index] ?? ""), source);
    }
    const compilerOptions = {
      strict: true,
      noEmit: true,
      skipLibCheck: true,
      types: [],
      module: "esnext",
      moduleResolution: "bundler",
    };
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files: names }));
    const tsc = join(repository, "node_modules/.bin/tsc");
    const words = ["-p", ".", "--pretty", "false"];
    const { status, stdout } = spawnSync(tsc, words, { cwd: folder, encoding: "utf8" });
    const errors = stdout.split("\n").filter((line) => line !== "");
    if (status !== 0 && errors.length === 0) throw new Error("tsc failed without an error");
    return errors;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
