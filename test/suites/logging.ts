import { type ChildProcess, spawn } from "node:child_process";
import { tmpdir } from "node:os";
import { afterEach, describe, expect, it } from "vitest";
import { ADMIN_KEY, call, readStats, setSubscriptions } from "../support/api.ts";
import { closeClients } from "../support/clients.ts";
import { eventually, within } from "../support/deadline.ts";
import { leftOut } from "../support/flags.ts";
import { freePort } from "../support/free-port.mjs";
import { type RuntimeUnderTest, startService } from "../support/service.ts";
import { openStream } from "../support/sse-client.ts";
import { bearer, makeKeyPair, signToken } from "../support/tokens.ts";

/** The debug lines of these requests exceed the capacity of a pipe and of the service's own buffer. */
const REQUESTS = 5000;
const AT_ONCE = 20;

/** The service when its log can't be written, and the log when requests fail. */
export function loggingSuite(runtime: RuntimeUnderTest): void {
  describe(`the log on ${runtime.name}`, () => {
    afterEach(closeClients);
    quietLog(runtime);
    const { noStop } = runtime;
    const title = "that can't be written";
    describe.skipIf(noStop !== undefined)(leftOut(title, noStop && "the runtime logs"), () => {
      // The shell's redirection after the command of the service.
      const outputs = {
        "to a full disk": "> /dev/full",
        "to a reader that has gone": "| head -n 1 > /dev/null",
        "to a pipe that is not read": "| sleep 600",
      };
      for (const [where, rest] of Object.entries(outputs)) {
        it(`${where} drops lines, counts them, and does not stop the service`, () =>
          expectService(runtime, rest));
      }
      it("for a while logs the number of dropped lines afterwards", () => expectNotice(runtime));
    });
  });
}

/** Requests that each write debug lines. */
async function makeNoise(url: string): Promise<void> {
  const { clientId } = await openStream(url);
  let asked = 0;
  const worker = async () => {
    while (asked++ < REQUESTS) {
      const answer = within(setSubscriptions(url, clientId, ["a"]), 20_000, `answer ${asked}`);
      expect((await answer).status).toBe(204);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

async function droppedOf(url: string): Promise<number> {
  const { logLinesDropped } = (await readStats(url)) as unknown as { logLinesDropped: number };
  return logLinesDropped;
}

async function expectService(runtime: RuntimeUnderTest, rest: string): Promise<void> {
  const port = await freePort();
  const settings = settingsFor(port);
  const words = runtime.command(settings).map((word) => `'${word}'`);
  const shell = start("bash", ["-c", `${words.join(" ")} ${rest}`], settings, "ignore");
  try {
    const url = await listening(port);
    await makeNoise(url);
    expect(await droppedOf(url)).toBeGreaterThan(0);
    const metrics = await call(url, "/metrics", { headers: bearer(ADMIN_KEY) });
    expect(metrics.body).toMatch(/^pocketwire_log_lines_dropped_total [1-9]/m);
    expect((await call(url, "/api/health")).status).toBe(200);
  } finally {
    end(shell);
  }
}

async function expectNotice(runtime: RuntimeUnderTest): Promise<void> {
  const port = await freePort();
  const settings = settingsFor(port);
  const [program, ...args] = runtime.command(settings);
  const child = start(program, args, settings, "pipe");
  try {
    child.stdout?.pause();
    const url = await listening(port);
    await makeNoise(url);
    await eventually(async () => (await droppedOf(url)) > 0, "lines are dropped");
    let output = "";
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
    child.stdout?.resume();
    const { clientId } = await openStream(url);
    const count = await eventually(async () => {
      await setSubscriptions(url, clientId, ["a"]);
      return /"msg":"log lines were dropped","count":(\d+)/.exec(output)?.[1];
    }, "the number of dropped lines is logged");
    expect(Number(count)).toBe(await droppedOf(url));
  } finally {
    end(child);
  }
}

function quietLog(runtime: RuntimeUnderTest): void {
  it("gets at most one line a minute for each problem that requests can cause, without the query of a configured URL", async () => {
    const secret = "query-of-a-configured-address";
    const port = await freePort();
    const env = {
      LOG_LEVEL: "info",
      REALTIME_JWKS_URL: `http://127.0.0.1:${port}/keys?secret=${secret}`,
    };
    const service = await startService(runtime, { env });
    const { privateKey } = await makeKeyPair("RS256", "a");
    const token = await signToken({}, { key: privateKey, algorithm: "RS256", keyId: "a" });
    const path = "/api/realtime/messages?topic=a";
    for (let count = 0; count < 200; count++) {
      const answer = await call(service.url, path, { headers: bearer(token) });
      expect(answer.status).toBe(503);
      expect(JSON.stringify(answer.body)).not.toContain(secret);
    }
    const failures = () => service.logs.filter(({ msg }) => msg === "credentials can't be checked");
    await eventually(() => failures().length > 0, "a line is read");
    expect(failures().length).toBeLessThan(5);
    expect(service.output()).not.toContain(secret);
    await service.stop();
  });
}

const settingsFor = (port: string) => ({
  PORT: port,
  LOG_LEVEL: "debug",
  LOG_FORMAT: "json",
  NODE_ENV: "production",
  REALTIME_ADMIN_KEY: ADMIN_KEY,
  REALTIME_CONNECTS_PER_SECOND: "0",
});

function start(
  program: string,
  args: readonly string[],
  settings: Readonly<Record<string, string>>,
  stdout: "pipe" | "ignore",
): ChildProcess {
  const env = { PATH: process.env.PATH, HOME: process.env.HOME, ...settings };
  const stdio: ["ignore", "pipe" | "ignore", "ignore"] = ["ignore", stdout, "ignore"];
  return spawn(program, args, { cwd: tmpdir(), env, stdio, detached: true });
}

function end({ pid }: ChildProcess): void {
  if (pid !== undefined) process.kill(-pid, "SIGKILL");
}

async function listening(port: string): Promise<string> {
  const url = `http://127.0.0.1:${port}`;
  const ask = () => call(url, "/api/health").catch(() => undefined);
  await eventually(async () => (await ask())?.status === 200, "the service listens");
  return url;
}
