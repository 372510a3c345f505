/** nginx and Caddy with the configurations of docs/deploy.md. Only names, ports and certificates differ. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually, within } from "./deadline.ts";
import { freePort } from "./free-port.mjs";

export interface RunningProxy {
  /** `https://localhost:<port>`, with a self-signed certificate. */
  readonly url: string;
  stop(): Promise<void>;
}

export interface ProxyUnderTest {
  readonly name: string;
  /** @param target The service's port. */
  start(target: string): Promise<RunningProxy>;
}

const docs = readFileSync(new URL("../../docs/deploy.md", import.meta.url), "utf8");

/** The only block of a language. */
function printed(language: string): string {
  const blocks = [...docs.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, "gms"))];
  const [block] = blocks;
  if (block === undefined || blocks.length > 1) {
    throw new Error(`docs/deploy.md has ${blocks.length} blocks of ${language}`);
  }
  return block[1] ?? "";
}

/**
 * Replaces text of a configuration. @throws when the text is missing, so that a changed configuration is not tested without the
 * replacement.
 */
function replaced(text: string, what: string, by: string): string {
  if (!text.includes(what)) throw new Error(`The printed configuration has no ${what}`);
  return text.replaceAll(what, by);
}

interface Files {
  readonly folder: string;
  readonly certificate: string;
  readonly key: string;
}

function makeFiles(): Files {
  const folder = mkdtempSync(join(tmpdir(), "pocketwire-proxy-"));
  const [certificate, key] = [join(folder, "cert.pem"), join(folder, "key.pem")];
  const options = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2";
  const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
  const files = ["-out", certificate, "-keyout", key];
  execFileSync("openssl", [...options.split(" "), ...subject, ...files], { stdio: "ignore" });
  return { folder, certificate, key };
}

async function run(
  command: readonly string[],
  { folder }: Files,
  port: string,
): Promise<RunningProxy> {
  const [program = "", ...args] = command;
  const env = { PATH: process.env.PATH, HOME: folder, XDG_DATA_HOME: folder };
  const child = spawn(program, args, { cwd: folder, env, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (text) => {
      output += text;
    });
  }
  const ended = new Promise((resolve) => child.on("close", resolve));
  running.add(child);
  const url = `https://localhost:${port}`;
  await eventually(async () => {
    if (child.exitCode !== null) throw new Error(`${program} ended:\n${output}`);
    return fetch(url).then(
      () => true,
      () => false,
    );
  }, `${program} answers`);
  return {
    url,
    stop: async () => {
      child.kill("SIGTERM");
      await within(ended, 20_000, `${program} ends`);
      running.delete(child);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

export const NGINX: ProxyUnderTest = {
  name: "nginx",
  start: async (target) => {
    const files = makeFiles();
    const { folder, certificate, key } = files;
    const port = await freePort();
    let site = replaced(printed("nginx"), "127.0.0.1:8090", `127.0.0.1:${target}`);
    site = replaced(site, "listen 443 ", `listen 127.0.0.1:${port} `);
    site = replaced(site, "server_name realtime.example.com", "server_name localhost");
    site = replaced(site, "/etc/ssl/realtime.example.com.pem", certificate);
    site = replaced(site, "/etc/ssl/private/realtime.example.com.key", key);
    const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    for (const name of temporary) mkdirSync(join(folder, name));
    const config = [
      "daemon off;",
      `pid ${join(folder, "nginx.pid")};`,
      "error_log stderr crit;",
      "worker_rlimit_nofile 8192;",
      "events { worker_connections 4096; }",
      "http {",
      "access_log off;",
      ...temporary.map((name) => `${name}_temp_path ${join(folder, name)};`),
      site,
      "}",
    ];
    writeFileSync(join(folder, "nginx.conf"), config.join("\n"));
    return run(["nginx", "-p", folder, "-c", join(folder, "nginx.conf")], files, port);
  },
};

export const CADDY: ProxyUnderTest = {
  name: "Caddy",
  start: async (target) => {
    const files = makeFiles();
    const port = await freePort();
    let site = replaced(printed("caddyfile"), "127.0.0.1:8090", `127.0.0.1:${target}`);
    const tls = `tls ${files.certificate} ${files.key}`;
    site = replaced(site, "realtime.example.com {", `https://localhost:${port} {\n${tls}`);
    const global = "{\n  admin off\n  auto_https disable_redirects\n  skip_install_trust\n}\n";
    const config = join(files.folder, "Caddyfile");
    writeFileSync(config, global + site);
    return run(["caddy", "run", "--config", config, "--adapter", "caddyfile"], files, port);
  },
};
