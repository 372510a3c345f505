import { type ChildProcess, spawn } from "node:child_process";
import { copyFileSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it } from "vitest";
import { bunPath } from "../../../scripts/bun.mjs";
import { ADMIN_KEY, call, postJSON, publish, setSubscriptions } from "../../support/api.ts";
import { closeClients } from "../../support/clients.ts";
import { eventually, within } from "../../support/deadline.ts";
import { openStream } from "../../support/sse-client.ts";

const fixtures = fileURLToPath(new URL("fixtures/", import.meta.url));
const started: ChildProcess[] = [];

afterEach(() => {
  closeClients();
  for (const child of started.splice(0)) child.kill("SIGKILL");
});

/** Runs an app on Bun. @returns its address, and what it has printed. */
async function run(file: string, port: number, words: readonly string[] = [], SHAPE = "starter") {
  const env = { ...process.env, PORT: String(port), SHAPE, REALTIME_ADMIN_KEY: ADMIN_KEY };
  const child = spawn(bunPath(), [...words, fixtures + file], { env });
  started.push(child);
  const exited = new Promise<number | null>((resolve) => child.once("exit", resolve));
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  }
  const url = `http://127.0.0.1:${port}`;
  const answers = () => fetch(`${url}/version`).then(Boolean, () => false);
  await eventually(async () => {
    if (child.exitCode !== null) throw new Error(`It ended: ${output}`);
    return answers();
  }, "the app answers");
  const kill = (signal: NodeJS.Signals) => child.kill(signal);
  return { url, output: () => output, exited, kill };
}

describe("a service in an app on Bun", () => {
  it("knows its clients' addresses when the app passes the server as the environment (Hono's starter)", async () => {
    const { url, output } = await run("bun-starter.ts", 18461);
    const client = await openStream(url);
    expect((await setSubscriptions(url, client.clientId, ["a"])).status).toBe(204);
    await postJSON(url, "/say", {});
    const [event] = await client.receive(1);
    expect(event?.data).toBe('"hello"');
    expect(JSON.stringify((await call(url, "/clients")).body)).toContain('"ip":"127.0.0.1"');
    expect(output()).not.toContain("address is unknown");
  });

  it("works without the server, and logs once which argument to pass", async () => {
    const { url, output } = await run("bun-starter.ts", 18462, [], "bare");
    for (let count = 0; count < 2; count++) {
      const client = await openStream(url);
      expect((await setSubscriptions(url, client.clientId, ["a"])).status).toBe(204);
    }
    await eventually(() => output().includes("address is unknown"), "the warning");
    expect(output().match(/address is unknown/g)).toHaveLength(1);
    expect(output()).toContain("app.fetch(request, { server })");
  });

  it("logs once that the app passes copies of requests, for which Bun has no address", async () => {
    const { url, output } = await run("bun-starter.ts", 18465, [], "copied");
    for (let count = 0; count < 2; count++) await openStream(url);
    await eventually(() => output().includes("address is unknown"), "the warning");
    expect(output().match(/address is unknown/g)).toHaveLength(1);
    expect(output()).toContain("use app.route(path, realtime.app) instead");
  });

  it("that is kept on globalThis keeps its streams open when bun --hot loads a change", async () => {
    const copy = `.changing-${process.pid}.ts`;
    copyFileSync(`${fixtures}bun-starter.ts`, fixtures + copy);
    try {
      const { url } = await run(copy, 18463, ["--hot"]);
      const client = await openStream(url, {}, "?topic=a");
      const text = readFileSync(fixtures + copy, "utf8");
      writeFileSync(fixtures + copy, text.replace("version 1", "version 2"));
      const version = async () => (await call(url, "/version")).body;
      await eventually(async () => (await version()) === "version 2", "the change is loaded");
      await postJSON(url, "/say", {});
      const [event] = await client.receive(1);
      expect(event?.data).toBe('"hello"');
    } finally {
      rmSync(fixtures + copy, { force: true });
    }
  });

  it("that startServer runs asks its clients to reconnect when bun --hot loads a change", async () => {
    const copy = `.starting-${process.pid}.ts`;
    const program = (
      version: number,
    ) => `import { runProcess } from "../../../../src/runtimes/process/run.ts";
import { startServer } from "../../../../src/bun.ts";
await runProcess(startServer);
console.log("version ${version}");
`;
    writeFileSync(fixtures + copy, program(1));
    try {
      const { url, output, exited, kill } = await run(copy, 18464, ["--hot"]);
      const client = await openStream(url, {}, "?topic=a");
      writeFileSync(fixtures + copy, program(2));
      await eventually(() => output().includes("version 2"), "the change is loaded");
      expect(await client.ended).toBe("end");
      expect(client.retries).toHaveLength(1);
      const again = await openStream(url, {}, "?topic=a");
      expect((await publish(url, { topic: "a", data: 1 })).status).toBe(200);
      expect((await again.receive(1))[0]?.data).toBe("1");
      kill("SIGTERM");
      expect(await within(exited, 20_000, "the app exits")).toBe(0);
      expect(await again.ended).toBe("end");
      expect(output().match(/"msg":"stopped"/g)).toHaveLength(1);
    } finally {
      rmSync(fixtures + copy, { force: true });
    }
  });
});
