import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { expect, it } from "vitest";

/** What a page loads that does not share its stream. */
const LIMIT = 4096;

it(`the client is at most ${LIMIT} bytes in gzip, and imports nothing but the code for shared streams`, async () => {
  const { outputFiles, metafile } = await build({
    entryPoints: ["src/client.ts"],
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    // Loaded with `share: true` only.
    external: ["./share/share.ts"],
    write: false,
    metafile: true,
  });
  const [script] = outputFiles;
  const size = gzipSync(script?.contents ?? "", { level: 9 }).length;
  console.info(`The client: ${script?.contents.length} bytes, ${size} in gzip`);
  expect(size).toBeLessThanOrEqual(LIMIT);
  const imports = Object.values(metafile.outputs).flatMap((output) => output.imports);
  expect(imports.map(({ path, kind }) => [path, kind])).toEqual([
    ["./share/share.ts", "dynamic-import"],
  ]);
  const inputs = Object.keys(metafile.inputs);
  expect(inputs.filter((path) => !/^src\/client(\.ts$|\/[\w-]+\.ts$)/.test(path))).toEqual([]);
});
