import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { DCLinter } from "dclint";
import { afterAll, describe, expect, it } from "vitest";
import { readConfig, VARIABLES } from "../../src/config/config.ts";
import { readCompose, secondsOf } from "../support/deploy/compose.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const file = join(root, "compose.yaml");
const KEY = { REALTIME_ADMIN_KEY: "key-of-the-compose-test" };
const { services, networks, volumes } = readCompose(file, KEY);
const ours = Object.entries(services).filter(([name]) => name.startsWith("pocketwire-"));
const folder = mkdtempSync(join(tmpdir(), "pocketwire-compose-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Message {
  readonly rule: string;
  readonly line: number;
  readonly message: string;
}

/** Errors of dclint, which also validates with the schema of the Compose specification. */
function lint(path: string): string[] {
  const rules = {
    "require-quotes-in-ports": [2, { quoteType: "double" }],
    // The order of the file follows the order of the start.
    "services-alphabetical-order": 0,
    "service-keys-order": 0,
    "service-dependencies-alphabetical-order": 0,
    "service-ports-alphabetical-order": 0,
    "top-level-properties-order": 0,
    // The image is built from this folder.
    "no-build-and-image": 0,
  };
  const linter = new DCLinter({ rules, quiet: false, debug: false, exclude: [] });
  return linter
    .lintFiles([path], false)
    .flatMap(({ messages }: { messages: readonly Message[] }) =>
      messages.map(({ rule, line, message }) => `${line}: ${rule}: ${message}`),
    );
}

describe("compose.yaml", () => {
  it("fits the schema of Compose and the rules of dclint", () => {
    expect(lint(file)).toEqual([]);
  });

  it("refuses to start without an admin key, and says what to set", () => {
    expect(() => readCompose(file, {})).toThrow(
      "required variable REALTIME_ADMIN_KEY is missing a value: Set REALTIME_ADMIN_KEY in the file .env",
    );
  });

  it("starts three Pocketwires with the same settings, which the service accepts", () => {
    expect(ours.map(([name]) => name)).toEqual(["pocketwire-1", "pocketwire-2", "pocketwire-3"]);
    for (const [, { environment = {} }] of ours) {
      expect(Object.keys(environment).filter((name) => !VARIABLES.includes(name))).toEqual([]);
      expect(readConfig(environment)).toMatchObject({
        adminKey: KEY.REALTIME_ADMIN_KEY,
        redis: { url: "redis://redis:6379" },
      });
    }
  });

  it("builds the image once, because builds of one image at the same time can fail", () => {
    const images = Object.values(services).filter(({ build }) => build !== undefined);
    expect(images.map(({ image }) => image)).toEqual(["pocketwire:local"]);
    expect(new Set(ours.map(([, { image }]) => image)).size).toBe(1);
  });

  it("keeps its secrets in a file that git and the image do not contain", () => {
    expect(spawnSync("git", ["check-ignore", "--quiet", ".env"], { cwd: root }).status).toBe(0);
    const [first, ...others] = readFileSync(join(root, ".dockerignore"), "utf8")
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("#"));
    expect(first).toBe("*");
    expect(others.filter((line) => line.includes(".env"))).toEqual([]);
  });

  it("gives each Pocketwire time for its drain, and a file for each client", () => {
    for (const [, { environment, stop_grace_period, ulimits }] of ours) {
      expect(ulimits?.nofile).toBeGreaterThan((readConfig({}).maxClients ?? 0) + 64);
      const drain = Number(environment?.REALTIME_DRAIN_SECONDS);
      expect(secondsOf(stop_grace_period)).toBeGreaterThanOrEqual(drain + 5);
    }
  });

  it("lets every container run read-only and without privileges", () => {
    for (const [name, service] of Object.entries(services)) {
      expect(service, name).toMatchObject({
        read_only: true,
        cap_drop: ["ALL"],
        security_opt: ["no-new-privileges:true"],
      });
      expect([undefined, "NET_BIND_SERVICE"], name).toContain(service.cap_add?.[0]);
    }
  });

  it("names networks, volumes, files and services that exist", () => {
    for (const [name, service] of Object.entries(services)) {
      for (const network of service.networks)
        expect(Object.keys(networks), name).toContain(network);
      for (const one of Object.keys(service.depends_on ?? {})) {
        expect(Object.keys(services), name).toContain(one);
      }
      for (const volume of service.volumes ?? []) {
        const [source = ""] = volume.split(":");
        const isKnown = source.startsWith(".") ? existsSync(join(root, source)) : source in volumes;
        expect(isKnown, volume).toBe(true);
      }
    }
  });

  it("keeps Redis away from Caddy and from the outside", () => {
    expect(services.redis?.networks).toEqual(["redis"]);
    expect(networks.redis).toEqual({ internal: true });
    expect(services.caddy?.networks).toEqual(["front"]);
  });

  it("balances to the Pocketwires that it starts, and to no other", () => {
    const caddyfile = readFileSync(join(root, "deploy/caddy/Caddyfile"), "utf8");
    const [, upstreams = ""] = /reverse_proxy (.*) \{/.exec(caddyfile) ?? [];
    expect(upstreams.split(" ")).toEqual(ours.map(([name]) => `${name}:8090`));
  });
});

describe("lint", () => {
  it.each([
    ["an unknown field", "read_only: true", "read_onyl: true", "additional properties"],
    [
      "an image without a version",
      "redis:7.4-alpine",
      "redis",
      "service-image-require-explicit-tag",
    ],
    ["a wrong type", "max-size: 10m", "max-size: [10m]", "invalid-schema"],
  ])("reports %s", (_, what, by, message) => {
    const changed = readFileSync(file, "utf8").replace(what, by);
    expect(changed).not.toBe(readFileSync(file, "utf8"));
    const path = join(folder, "compose.yaml");
    writeFileSync(path, changed);
    expect(lint(path).join("\n")).toContain(message);
  });
});
