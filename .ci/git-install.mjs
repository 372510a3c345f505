// `node .ci/git-install.mjs [npm@10 ...]` installs the package from git into an empty project and imports it, once with
// each given version of npm. Without arguments it uses the installed npm. The git repository is a temporary copy of the
// tracked files in the working tree, so uncommitted changes are tested too.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { copyTrackedFiles } from "../scripts/working-copy.mjs";

const versions = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), "pocketwire-git-"));
const repository = join(folder, "repository");
const git = (...words) =>
  execFileSync("git", ["-c", "user.name=ci", "-c", "user.email=ci@localhost", ...words], {
    cwd: repository,
    stdio: "pipe",
  });
try {
  copyTrackedFiles(".", repository);
  git("init", "--quiet");
  git("add", "--all");
  git("commit", "--quiet", "--message", "a copy");
  for (const npm of versions.length === 0 ? [""] : versions) {
    const project = mkdtempSync(join(folder, "project-"));
    writeFileSync(join(project, "package.json"), '{"type":"module","private":true}\n');
    const install = ["install", "--no-audit", "--no-fund", "--prefer-offline"];
    const [program, ...words] = npm === "" ? ["npm"] : ["npx", "--yes", npm];
    execFileSync(program, [...words, ...install, `git+file://${repository}`], {
      cwd: project,
      stdio: "inherit",
      timeout: 600_000,
    });
    const script =
      'const { createServer } = await import("pocketwire"); const { nodeRuntime } = await import("pocketwire/node"); console.log((await createServer({ runtime: nodeRuntime }).app.request("/api/realtime/messages?topic=a")).status)';
    const options = { cwd: project, encoding: "utf8" };
    const status = execFileSync("node", ["--input-type=module", "-e", script], options).trim();
    if (status !== "200")
      throw new Error(`GET /api/realtime/messages returned ${status} instead of 200.`);
    execFileSync(join(project, "node_modules/.bin/pocketwire"), ["--help"], options);
    console.log(`ok: installed from git with ${npm || "npm"}`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
