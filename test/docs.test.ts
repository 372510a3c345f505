/**
 * Compares the documentation with the code: settings, metrics and log messages that the pages list, and the links between the
 * pages.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { describe, expect, it } from "vitest";
import { createServer } from "../src/api/server.ts";
import { type Config, readConfig, VARIABLES } from "../src/config/config.ts";
import { readNodeMetrics } from "../src/runtimes/node/node-metrics.ts";

const page = (path: string) => readFileSync(new URL(`../${path}`, import.meta.url), "utf8");

/** The cells of each table row that begins with a code span, without the backticks of a cell that is one code span. */
function rowsOf(text: string): string[][] {
  const rows = text.split("\n").filter((line) => line.startsWith("| `"));
  return rows.map((row) =>
    row
      .slice(1, -1)
      .split("|")
      .map((cell) => cell.trim().replace(/^`([^`]*)`$/, "$1")),
  );
}

describe("docs/configuration.md", () => {
  interface Row {
    readonly name: string;
    readonly type: string;
    readonly byDefault: string;
    readonly limits: string;
    readonly option: string;
  }
  const rows = rowsOf(page("docs/configuration.md")).map(
    ([name = "", type = "", byDefault = "", limits = "", option = ""]): Row => ({
      name,
      type,
      byDefault,
      limits,
      option,
    }),
  );

  /** The allowed values that the error for an invalid value names. Undefined when every text is accepted. */
  function allowed(name: string): string | undefined {
    try {
      readConfig({ [name]: "\u0001" });
    } catch (error) {
      return /must be (.*); it was/.exec(String(error))?.[1];
    }
    return undefined;
  }

  it("lists every variable once, and no other", () => {
    // NODE_ENV is read by the entries.
    expect(rows.map(({ name }) => name).toSorted()).toEqual([...VARIABLES, "NODE_ENV"].toSorted());
  });

  it("has the defaults of the code", () => {
    const defaults = Object.fromEntries(rows.map(({ name, byDefault }) => [name, byDefault]));
    expect(readConfig(defaults)).toEqual(readConfig({}));
  });

  it("has the limits and the unit of the code for every number", () => {
    const numbers = rows.flatMap(({ name, type, limits }) => {
      const [, what, least, most] = /^(.*) from ([\d.]+) to (\d+)$/.exec(allowed(name) ?? "") ?? [];
      if (what === undefined) return [];
      const isSeconds = what === "a number of seconds";
      const listed = [type === "seconds", ...limits.replaceAll(",", "").split(" to ")];
      return [{ name, listed, inCode: [isSeconds, least, most] }];
    });
    expect(numbers.length).toBeGreaterThan(30);
    for (const { name, listed, inCode } of numbers) expect(listed, name).toEqual(inCode);
  });

  it("has the values of the code for every choice", () => {
    const choices = rows.filter(({ type }) => type === "one of");
    expect(choices.length).toBeGreaterThan(2);
    for (const { name, limits } of choices) {
      const listed = limits.match(/\w+/g) ?? [];
      const inCode = allowed(name)?.replace("one of ", "").split(", ") ?? [];
      expect(listed.toSorted(), name).toEqual(inCode.toSorted());
    }
  });

  it("names the option that each variable sets", () => {
    const SECRET = "s".repeat(32);
    const texts: Readonly<Record<string, string>> = {
      HOST: "0.0.0.0",
      REALTIME_ADMIN_KEY: "1234567890123456",
      REALTIME_ORIGINS: "https://a.example",
      REALTIME_JWT_SECRET: SECRET,
      REALTIME_JWT_PUBLIC_KEY: "-----BEGIN PUBLIC KEY-----\nMFkw\n-----END PUBLIC KEY-----",
      REALTIME_JWKS_URL: "https://a.example/keys",
      REALTIME_JWT_ALGORITHMS: "HS512",
      REALTIME_JWT_ISSUER: "a",
      REALTIME_JWT_AUDIENCE: "a",
      REALTIME_INTROSPECT_URL: "https://a.example/who",
      REALTIME_CALLBACK_URL: "https://a.example/hook",
      REALTIME_CALLBACK_SECRET: `whsec_${"A".repeat(32)}`,
      REALTIME_CALLBACK_ASK: "connect",
      REALTIME_CALLBACK_TELL: "occupied",
      REALTIME_CALLBACK_HEADERS: "cookie",
      REALTIME_COOKIE: "a",
      REALTIME_TRUSTED_PROXY_HEADER: "X-Real-IP",
      REALTIME_RULES: '{"posts":{"listRule":""}}',
      REALTIME_TOPICS: '[{"match":"chat/*"}]',
      REALTIME_ANONYMOUS: "none",
      REALTIME_CONSOLE: "true",
      REALTIME_METRICS: "open",
      REALTIME_DATA: "./data",
      REALTIME_DATA_SYNC: "full",
      REDIS_URL: "redis://127.0.0.1",
      REDIS_READ_URL: "redis://127.0.0.2",
      REDIS_PREFIX: "a",
    };
    const callbacks = ["URL", "SECRET", "ASK"].map((name) => `REALTIME_CALLBACK_${name}`);
    /** These settings are read when one of the keys or the URL is set. */
    const needed: Readonly<Record<string, readonly string[]>> = {
      tokens: ["REALTIME_JWT_SECRET"],
      introspection: ["REALTIME_INTROSPECT_URL"],
      callbacks,
      redis: ["REDIS_URL"],
    };
    const valueAt = (config: Config, option: string): unknown =>
      option
        .split(".")
        .reduce<unknown>((value, name) => (value as Record<string, unknown>)?.[name], config);
    const withOption = rows.filter(({ option }) => option !== "");
    expect(withOption.length).toBeGreaterThan(45);
    for (const { name, byDefault, limits, option } of withOption) {
      // One callback variable without the others is an error.
      const isOneOfSeveral = callbacks.includes(name);
      const beside = (needed[option.split(".")[0] ?? ""] ?? []).filter((other) => other !== name);
      const set = Object.fromEntries(beside.map((other) => [other, texts[other]]));
      const before = isOneOfSeveral ? {} : set;
      const [least = ""] = limits.replaceAll(",", "").split(" to ");
      const other = byDefault === "true" ? "false" : byDefault === "false" ? "true" : least;
      const after = { ...set, [name]: texts[name] ?? (other === byDefault ? "1" : other) };
      const changed = valueAt(readConfig(after), option);
      expect(changed, `${name} sets ${option}`).not.toEqual(valueAt(readConfig(before), option));
      expect(changed, `${name} sets ${option}`).toBeDefined();
    }
  });
});

describe("docs/operations.md", () => {
  const operations = page("docs/operations.md");
  const adminKey = "the-key-of-this-test";
  const { app } = createServer({
    adminKey,
    metrics: "open",
    runtime: { processMetrics: readNodeMetrics },
  });

  it("lists every metric with its stats field, and no other", async () => {
    const metrics = await (await app.request("/metrics")).text();
    const names = [...metrics.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name);
    const headers = { Authorization: `Bearer ${adminKey}` };
    const stats: unknown = await (await app.request("/api/realtime/stats", { headers })).json();
    const rows = rowsOf(operations).filter(([name = ""]) =>
      /^(pocketwire|process|nodejs)_/.test(name),
    );
    expect(rows.map(([name]) => name).toSorted()).toEqual(names.toSorted());
    const ofProcess = new Set(readNodeMetrics().map(({ name }) => name));
    const fields = rows
      .filter(([name = ""]) => !ofProcess.has(name))
      .flatMap(([, field = ""]) => field.split(/[`, ]+/))
      .filter(Boolean);
    expect(fields.toSorted()).toEqual(leavesOf(stats).toSorted());
  });

  it("lists every reason of a disconnect, and no other", async () => {
    const metrics = await (await app.request("/metrics")).text();
    const reasons = [...metrics.matchAll(/reason="(\w+)"/g)].map(([, reason]) => reason);
    const table = /\| Reason \|[\s\S]*?\n\n/.exec(operations)?.[0] ?? "";
    expect(rowsOf(table).map(([reason]) => reason)).toEqual(reasons);
  });

  it("quotes log messages that the code writes", () => {
    const sources = readdirSync(new URL("../src", import.meta.url), { recursive: true })
      .map(String)
      .filter((file) => file.endsWith(".ts"));
    const code = sources.map((file) => page(`src/${file}`)).join("\n");
    const table = /\| Message \|[\s\S]*?\n\n/.exec(operations)?.[0] ?? "";
    const messages = rowsOf(table).map(([message]) => message);
    expect(messages.length).toBeGreaterThan(15);
    expect(messages.filter((message) => !code.includes(`"${message}"`))).toEqual([]);
  });
});

describe("a link between the pages", () => {
  const folders = [
    ".",
    "docs",
    "docs/decisions",
    "examples",
    "examples/ai-chat",
    "examples/pocketbase-bridge",
    "examples/callbacks",
    "test",
  ];
  const pages = folders.flatMap((folder) => {
    const url = new URL(`../${folder}`, import.meta.url);
    const files = existsSync(url) ? readdirSync(url) : [];
    return files.filter((file) => file.endsWith(".md")).map((file) => join(folder, file));
  });

  /** The anchors of a page as GitHub makes them from its headings. */
  const anchorsOf = (path: string) =>
    [...page(path).matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\d _-]/gu, "")
        .replaceAll(" ", "-"),
    );

  it.each(pages)("leads to a file, and to a heading in it: %s", (path) => {
    const text = page(path).replaceAll(/^ *```[\s\S]*?^ *```$/gm, "");
    const targets = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = ""]) => target);
    const broken = targets.filter((target) => {
      if (/^[a-z]+:/.test(target)) return false;
      const [file = "", anchor] = target.split("#");
      const linked = file === "" ? path : normalize(join(dirname(path), file));
      if (!existsSync(new URL(`../${linked}`, import.meta.url))) return true;
      return anchor !== undefined && !anchorsOf(linked).includes(anchor);
    });
    expect(broken).toEqual([]);
  });
});

/** The paths of the fields of stats: `clients`, `keyBudget.used`. */
function leavesOf(stats: unknown): string[] {
  const groups = ["keyBudget", "history", "kept", "callbacks"];
  return Object.entries(stats as Record<string, object>).flatMap(([name, value]) =>
    groups.includes(name) ? Object.keys(value).map((inner) => `${name}.${inner}`) : [name],
  );
}
