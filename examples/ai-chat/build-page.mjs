// Bundles the page. As a program, it writes the page into public/, from which a Worker serves it.
import { copyFile, mkdir, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const file = (path) => fileURLToPath(new URL(path, import.meta.url));

export const INDEX = file("page/index.html");

/** @returns the script of the page. */
export async function bundlePage() {
  const { outputFiles } = await build({
    entryPoints: [file("page/main.jsx")],
    bundle: true,
    minify: true,
    write: false,
    format: "esm",
    target: "es2022",
    jsx: "automatic",
    define: { "process.env.NODE_ENV": '"production"' },
  });
  return outputFiles[0].text;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await mkdir(file("public"), { recursive: true });
  await writeFile(file("public/main.js"), await bundlePage());
  await copyFile(INDEX, file("public/index.html"));
}
