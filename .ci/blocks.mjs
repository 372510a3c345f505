// Reads the code blocks of the documentation. A comment on the line before a block says what CI does with the block:
//
//   <!-- ci: NAME -->                 the check of that name in .ci/readme.mjs runs it
//   <!-- not run by ci: REASON -->    nothing runs it, and why
import { readdirSync, readFileSync } from "node:fs";

const PAGES = [
  "README.md",
  "examples/README.md",
  "examples/ai-chat/README.md",
  "examples/pocketbase-bridge/README.md",
  ...readdirSync("docs", { recursive: true })
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`),
];
const SHELLS = ["sh", "bash", "shell", "console"];

const BLOCK =
  /(?:^[ \t]*<!-- (ci|not run by ci): (.*?) -->\n)?^(?<indent>[ \t]*)```(\w*)\n([\s\S]*?)^\k<indent>```/gm;

/** Every code block of every page. `mark` is `ci`, `not run by ci` or undefined; `text` is what follows the mark. */
function readAll() {
  return PAGES.flatMap((page) =>
    [...readFileSync(page, "utf8").matchAll(BLOCK)].map(
      ([, mark, text, indent, language, code]) => ({
        ...{ page, mark, text, language },
        code: code.replaceAll(new RegExp(`^${indent}`, "gm"), ""),
      }),
    ),
  );
}

export class Blocks {
  #blocks = readAll();
  #used = new Set();

  /** The code of the block with that name, which counts as run from then on. */
  use(name) {
    const found = this.#blocks.filter(({ mark, text }) => mark === "ci" && text === name);
    if (found.length !== 1) throw new Error(`${found.length} blocks are named "${name}"`);
    this.#used.add(name);
    return found[0].code;
  }

  /** Shell blocks that no check has used and that do not say why, each as a line of text. */
  unused() {
    return this.#blocks
      .filter(({ language }) => SHELLS.includes(language))
      .filter(({ mark, text }) => mark !== "not run by ci" && !this.#used.has(text))
      .map(({ page, code }) => `${page}: ${code.trim().split("\n")[0]}`);
  }
}
