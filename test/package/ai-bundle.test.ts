import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { describe, expect, it } from "vitest";

const entry = fileURLToPath(new URL("../../dist/ai.js", import.meta.url));

/** The code that a bundler puts into an app that uses one function of `pocketwire/ai`. */
async function bundle(name: string): Promise<string> {
  const { outputFiles, metafile } = await build({
    stdin: { contents: `export { ${name} } from ${JSON.stringify(entry)};`, resolveDir: "/" },
    ...{ bundle: true, minify: true, write: false, metafile: true },
    ...{ format: "esm", platform: "browser" },
  });
  const [code] = outputFiles;
  expect(Object.values(metafile.outputs).flatMap(({ imports }) => imports)).toEqual([]);
  if (code === undefined) throw new Error("esbuild wrote nothing.");
  return code.text;
}

describe("a bundle with a part of pocketwire/ai", () => {
  it("has the transport without the publisher, in less than 4 KiB", async () => {
    const code = await bundle("createChatTransport");
    expect(code).toContain("createChatTransport:");
    expect(code).not.toContain("publishStream:");
    expect(code).not.toContain("An error occurred.");
    expect(gzipSync(code, { level: 9 }).length).toBeLessThan(4096);
  });

  it("has the publisher without the transport, in less than 4 KiB", async () => {
    const code = await bundle("publishStream");
    expect(code).toContain("publishStream:");
    expect(code).not.toContain("createChatTransport:");
    expect(gzipSync(code, { level: 9 }).length).toBeLessThan(4096);
  });
});
