import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ADMIN_KEY, readStats } from "../support/api.ts";
import { eventually, within } from "../support/deadline.ts";
import { startJSONServer } from "../support/json-server.ts";
import { keepSecret } from "../support/secrets.ts";
import { NODE, type Service, startService } from "../support/service.ts";

const program = fileURLToPath(new URL("../../dist/cli.js", import.meta.url));
const packageFile = fileURLToPath(new URL("../../package.json", import.meta.url));
const SECRET = keepSecret("a-secret-for-the-command-line-tests");
const nowhere = mkdtempSync(join(tmpdir(), "pocketwire-cli-"));

interface Command {
  out(): string;
  err(): string;
  readonly exited: Promise<number | null>;
  kill(signal?: NodeJS.Signals): void;
}

/** Runs the command without the test's environment. */
function command(words: readonly string[], env: Record<string, string> = {}, input = ""): Command {
  const child = spawn(process.execPath, [program, ...words], {
    cwd: nowhere,
    env: { PATH: process.env.PATH, ...env },
  });
  let [out, err] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    out += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    err += text;
  });
  child.stdin.end(input);
  const exited = new Promise<number | null>((resolve) => child.once("close", resolve));
  return { out: () => out, err: () => err, exited, kill: (signal) => child.kill(signal) };
}

async function done(...given: Parameters<typeof command>) {
  const running = command(...given);
  const code = await within(running.exited, 20_000, "the command ends");
  return { code, out: running.out(), err: running.err() };
}

describe("the command pocketwire", () => {
  let service: Service;
  let env: Record<string, string>;
  beforeAll(async () => {
    service = await startService(NODE, { env: { REALTIME_JWT_SECRET: SECRET } });
    env = { POCKETWIRE_URL: service.url, REALTIME_ADMIN_KEY: ADMIN_KEY };
  });
  afterAll(() => service.stop());

  const listeners = async (count: number) =>
    eventually(
      async () => (await readStats(service.url)).subscriptions === count,
      "the command subscribes",
    );

  it("listens and publishes, with one line for each message: its topic and its data", async () => {
    const listening = command(["listen", "chat", "news/*", "--count", "3"], env);
    await listeners(2);
    const first = await done(["publish", "chat", '{"text":"hello"}'], env);
    expect(first).toMatchObject({ code: 0, err: "" });
    expect(first.out).toMatch(/^[\w-]{21}\n$/);
    expect((await done(["publish", "news/a", "-"], env, "[1, 2]\n")).code).toBe(0);
    expect((await done(["publish", "chat", "null", "--id", "own"], env)).out).toBe("own\n");
    expect(await within(listening.exited, 20_000, "the command exits")).toBe(0);
    expect(listening.out()).toBe('chat\t{"text":"hello"}\nnews/a\t[1,2]\nchat\tnull\n');
    await listeners(0);
  });

  it("starts with the newest messages, and prints JSON with --json", async () => {
    for (const n of [1, 2, 3]) {
      await done(["publish", `last/${n}`, String(n), "--id", `id-${n}`], env);
    }
    const { code, out } = await done(
      ["listen", "last/*", "--last", "2", "--json", "--count", "2"],
      env,
    );
    const events = out
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(code).toBe(0);
    expect(events).toEqual(
      [2, 3].map((n) => ({
        event: "last/*",
        topic: `last/${n}`,
        id: `id-${n}`,
        at: expect.stringMatching(/Z$/),
        data: n,
        cursor: expect.stringMatching(/^0-/),
      })),
    );
  });

  it("prints the data as it is of a key that is set to have no envelope", async () => {
    const key = 'bare/*?options={"query":{"envelope":false}}';
    await done(["publish", "bare/1", '{"topic":"mine"}'], env);
    const listen = ["listen", key, "--last", "1", "--count", "1"];
    expect(await done(listen, env)).toMatchObject({ code: 0, out: 'bare/*\t{"topic":"mine"}\n' });
    const { out } = await done([...listen, "--json"], env);
    expect(JSON.parse(out)).toMatchObject({ event: key, topic: "bare/*", data: { topic: "mine" } });
  });

  it("sends a message again with the same id while the service answers 503", async () => {
    const bodies: string[] = [];
    let failures = 2;
    const server = await startJSONServer(async (request) => {
      let body = "";
      for await (const chunk of request) body += chunk;
      bodies.push(body);
      if (failures-- > 0) {
        const refusal = { status: 503, message: "Redis can't be reached.", data: {}, ids: ["x"] };
        return { status: 503, body: refusal, headers: { "Retry-After": "0" } };
      }
      return { body: { id: JSON.parse(body).id } };
    });
    const at = { POCKETWIRE_URL: server.url };
    const { code, out, err } = await done(["publish", "chat", "1"], at);
    expect(code).toBe(0);
    expect(bodies).toHaveLength(3);
    expect(new Set(bodies).size).toBe(1);
    expect(out).toBe(`${JSON.parse(bodies[0] ?? "").id}\n`);
    expect(err).toContain("503: Redis can't be reached.");
    failures = 3;
    const refused = await done(["publish", "chat", "1", "--id", "own"], at);
    expect(refused.code).toBe(1);
    expect(refused.err).toContain("To send the message again: --id own");
    expect(bodies).toHaveLength(6);
    await server.close();
  });

  it("publishes with a ttl, and erases the history of topics", async () => {
    const ttl = ["publish", "users/1", "1", "--ttl"];
    expect((await done([...ttl, "60"], env)).code).toBe(0);
    const refused = await done([...ttl, "soon"], env);
    expect([refused.code, refused.err]).toEqual([1, expect.stringContaining("ttl: ")]);
    await done(["publish", "users/1/a", "1"], env);
    expect(await done(["erase", "users/*"], env)).toEqual({ code: 0, out: "2\n", err: "" });
    expect((await done(["erase", "users/*"], env)).out).toBe("0\n");
    const asGuest = await done(["erase", "users/*"], { ...env, REALTIME_ADMIN_KEY: "" });
    expect([asGuest.code, asGuest.err.slice(0, 3)]).toEqual([1, "401"]);
  });

  it("reconnects to a service that was restarted, and exits with 0 on SIGTERM", async () => {
    const own = await startService(NODE, { env: { PORT: "18432" } });
    const at = { ...env, POCKETWIRE_URL: own.url };
    const listening = command(["listen", "chat"], at);
    await eventually(
      async () => (await readStats(own.url)).clients === 1,
      "the command subscribes",
    );
    await own.stop();
    const again = await startService(NODE, { env: { PORT: "18432" } });
    await eventually(
      async () => (await readStats(again.url)).clients === 1,
      "the service is restarted",
      30_000,
    );
    await done(["publish", "chat", "1"], at);
    await eventually(() => listening.out() === "chat\t1\n", "the event");
    expect(listening.err()).toContain("Reconnecting");
    listening.kill("SIGTERM");
    expect(await within(listening.exited, 10_000, "the command exits")).toBe(0);
    await again.stop();
  });

  it("creates a token that the service accepts", async () => {
    const words = ["token", "--sub", "anna", "--publish", "room/*", "--subscribe", "room/*"];
    const { code, out } = await done(words, { REALTIME_JWT_SECRET: SECRET });
    expect(code).toBe(0);
    const at = { POCKETWIRE_URL: service.url };
    const as = ["--key", out.trim()];
    const listening = command(["listen", "room/7", "--count", "1", ...as], at);
    await listeners(1);
    expect((await done(["publish", "room/7", '"psst"', "--private", ...as], at)).code).toBe(0);
    expect(await within(listening.exited, 10_000, "the command exits")).toBe(0);
    expect(listening.out()).toBe('room/7\t"psst"\n');
    const refused = await done(["publish", "elsewhere", "1", ...as], at);
    expect(refused.code).toBe(1);
    expect(refused.err).toMatch(/^403: /);
  });

  it("creates a token with the user's record and info", async () => {
    const flags = ["--record", '{"role":"editor"}', "--info", '{"name":"Anna"}'];
    const { code, out } = await done(["token", "--sub", "anna", ...flags], {
      REALTIME_JWT_SECRET: SECRET,
    });
    expect(code).toBe(0);
    const [, payload = ""] = out.split(".");
    const { record, realtime } = JSON.parse(Buffer.from(payload, "base64url").toString());
    expect(realtime.info).toEqual({ name: "Anna" });
    expect(record).toEqual({ id: "anna", role: "editor" });
  });

  it("serves with flags, and stops on SIGTERM", async () => {
    const running = command([
      "serve",
      "--port",
      "0",
      "--key",
      "a-key-of-its-own",
      "--log-level",
      "info",
    ]);
    const url = await eventually(
      () => /"msg":"listening","url":"([^"]+)"/.exec(running.out())?.[1],
      "the command subscribes",
    );
    const at = { POCKETWIRE_URL: url, REALTIME_ADMIN_KEY: "a-key-of-its-own" };
    expect((await done(["publish", "chat", "1"], at)).code).toBe(0);
    running.kill("SIGTERM");
    expect(await within(running.exited, 10_000, "the service stops")).toBe(0);
    expect(running.out() + running.err()).not.toContain("a-key-of-its-own");
  });

  it("serves with an admin key for this start, which the other commands take", async () => {
    const running = command(["serve", "--port", "0"]);
    const [, url = "", key = ""] = await eventually(
      () => /^Console: +(\S+)[\s\S]*^Admin key: +(\S+)/m.exec(running.err()) ?? undefined,
      "the banner",
    );
    expect((await done(["publish", "chat", "1", "--url", url, "--key", key])).code).toBe(0);
    expect((await done(["publish", "chat", "1", "--url", url])).err).toMatch(/^401: /);
    running.kill("SIGTERM");
    expect(await within(running.exited, 10_000, "the service stops")).toBe(0);
    expect(running.out()).not.toContain(key);
  });

  it.each(["--version", "-v", "-V"])("prints its version with %s", async (flag) => {
    const { version } = JSON.parse(readFileSync(packageFile, "utf8"));
    expect(await done([flag])).toEqual({ code: 0, out: `${version}\n`, err: "" });
  });

  it.each([
    [[], 2, ""],
    [["--help"], 0, "pocketwire listen chat"],
    [["listen", "--help"], 0, "--last N"],
    [["serve", "--help"], 0, "--host 127.0.0.1"],
    [["fly"], 2, "no command"],
    [["listen"], 2, "Name at least one topic"],
    [["listen", "a", "--last", "x"], 2, "--last must be a whole number"],
    [["listen", "a", "--nope"], 2, "There is no flag --nope."],
    [["listen", "a", "--lst", "5"], 2, "There is no flag --lst. Did you mean --last?"],
    [["serve", "--orgins=*"], 2, "There is no flag --orgins. Did you mean --origins?"],
    [["publsh", "a", "1"], 2, 'There is no command "publsh". Did you mean "publish"?'],
    [["publish", "a"], 2, "a topic and its data"],
    [["publish", "a", "{"], 2, "not JSON"],
    [["publish", "a", "1", "--url", "nowhere"], 2, "POCKETWIRE_URL must be a URL"],
    [["publish", "a", "1", "--url", "localhost:8090"], 2, "begins with http:// or https://"],
    [["publish", "a", "1", "--url", "http://127.0.0.1:1"], 1, "can't be reached"],
    [["erase"], 2, "erase takes one topic"],
    [["erase", "--help"], 0, "prefix/*"],
    [["token", "--sub", "a"], 2, "32 characters"],
    [["token", "--sub", "a", "--secret", SECRET, "--expires", "soon"], 2, "--expires is a time"],
    [
      ["token", "--sub", "a", "--secret", SECRET, "--record", "{"],
      2,
      "--record is not a JSON object",
    ],
    [["token", "--sub", "a", "--secret", SECRET, "--info", "7"], 2, "--info is not a JSON object"],
    [["serve", "--port", "x"], 1, "PORT must be"],
  ])("%j exits with %i and prints %j", async (words, code, said) => {
    const result = await done(words);
    expect(result.code).toBe(code);
    expect(result.out + result.err).toContain(said);
  });
});
