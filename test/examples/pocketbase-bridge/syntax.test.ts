import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { transform } from "esbuild";
import { expect, it } from "vitest";

const folder = fileURLToPath(
  new URL("../../../examples/pocketbase-bridge/pb_hooks", import.meta.url),
);
const files = readdirSync(folder, { recursive: true, encoding: "utf8" });

it.each(files.filter((name) => name.endsWith(".js")))(
  "%s uses no syntax newer than ECMAScript 2018, which PocketBase's engine may not have",
  async (name) => {
    const code = readFileSync(`${folder}/${name}`, "utf8");
    const options = { format: "cjs", loader: "js" } as const;
    const older = await transform(code, { ...options, target: "es2018" });
    expect(older.code).toBe((await transform(code, { ...options, target: "esnext" })).code);
  },
);
