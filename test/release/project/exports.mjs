// Imports every export of the installed package, and prints the number of names of each, or the error.
import { readFileSync } from "node:fs";

const manifest = new URL("node_modules/pocketwire/package.json", import.meta.url);
const { exports } = JSON.parse(readFileSync(manifest, "utf8"));
const counts = {};
for (const path of Object.keys(exports).filter((one) => !one.endsWith(".json"))) {
  const name = path.replace(".", "pocketwire");
  const found = await import(name).catch(({ message }) => message);
  counts[name] = typeof found === "string" ? found : Object.keys(found).length;
}
console.log(JSON.stringify(counts));
