import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ADMIN_KEY, publish } from "../support/api.ts";
import { eventually } from "../support/deadline.ts";
import {
  type RuntimeUnderTest,
  type ServiceOptions,
  spawnService,
  startService,
} from "../support/service.ts";

/** The key that a service has made and printed. */
function keyIn(output: string): string | undefined {
  return /^Admin key: +(dev_[\w-]{28})\n +\(for this start only\./m.exec(output)?.[1];
}

/** The startup of an entry: settings, errors and output. */
export function startSuite(runtime: RuntimeUnderTest): void {
  describe(`the start on ${runtime.name}`, () => {
    const fileKey = "key-of-the-dev-vars-file";
    let cwd: string;
    beforeAll(async () => {
      cwd = await mkdtemp(join(tmpdir(), "pocketwire-"));
      await writeFile(
        join(cwd, ".dev.vars"),
        `# a comment\nREALTIME_ADMIN_KEY="${fileKey}"\nREALTIME_PING_SECONDS=5\nREALTIME_ORIGIN=*\n`,
      );
    });
    afterAll(() => rm(cwd, { recursive: true }));

    const failure = async (options: ServiceOptions) => {
      const service = spawnService(runtime, options);
      expect(await service.exited).toBe(1);
      return service.output();
    };
    const message = { topic: "a", data: 1 };

    it("warns of settings that contradict each other", async () => {
      const env = { REALTIME_ANONYMOUS: "none", REALTIME_MAX_BODY_BYTES: "2000" };
      const service = await startService(runtime, { env });
      const warned = service.logs.filter(({ msg }) => msg === "settings contradict each other");
      expect(warned.map(({ hint }) => hint)).toEqual([
        expect.stringContaining("REALTIME_MAX_MESSAGE_BYTES"),
        expect.stringContaining("REALTIME_ANONYMOUS"),
      ]);
      await service.stop();
    });

    it("fails for an invalid value, and prints the variable's name, its value and the allowed values", async () => {
      const env = { PORT: "99999", REALTIME_ORIGINS: "example.com", LOG_LEVEL: "loud" };
      const output = await failure({ env });
      expect(output).toContain('PORT must be a whole number from 0 to 65535; it was "99999".');
      expect(output).toMatch(/REALTIME_ORIGINS must be .*https:.*; it was "example\.com"\./);
      expect(output).toMatch(/LOG_LEVEL must be one of debug, .*; it was "loud"\./);
      expect(output).not.toMatch(/\n\s+at /);
    });

    it("warns of an unknown variable", async () => {
      const service = await startService(runtime, { cwd, env: { REALTIME_PING_SECOND: "5" } });
      const level = "warn";
      for (const line of [
        { level, name: "REALTIME_PING_SECOND", didYouMean: "REALTIME_PING_SECONDS" },
        { level, name: "REALTIME_ORIGIN", didYouMean: "REALTIME_ORIGINS" },
      ]) {
        expect(service.logs).toContainEqual(expect.objectContaining(line));
      }
      await service.stop();
    });

    it("does not print an invalid key", async () => {
      const output = await failure({ env: { REALTIME_ADMIN_KEY: "a b c d e f" } });
      expect(output).toContain("REALTIME_ADMIN_KEY must be");
      expect(output).not.toContain("a b c");
    });

    describe("with access rules", () => {
      const rules = { posts: { listRule: "status = 'open'" }, "*": { listRule: null } };
      const write = async (text: string) => {
        await writeFile(join(cwd, "rules.json"), text);
        return { cwd, env: { REALTIME_RULES: "rules.json" } };
      };

      it.each([
        ["a file", () => write(`\uFEFF${JSON.stringify(rules)}\n`)],
        ["JSON", () => ({ env: { REALTIME_RULES: JSON.stringify(rules) } })],
      ])("applies the rules of %s, and logs how many there are", async (_, prepare) => {
        const service = await startService(runtime, await prepare());
        const lines = service.logs.filter(({ msg }) => msg === "access rules");
        expect(lines).toEqual([
          expect.objectContaining({ level: "info", collections: 1, others: "the rules of *" }),
        ]);
        for (const status of ["open", "closed"]) {
          const record = { id: status, status };
          await publish(service.url, { collection: "posts", action: "create", record });
        }
        const answer = await fetch(`${service.url}/api/realtime/messages?topic=posts`);
        expect(await answer.json()).toMatchObject({
          messages: [{ data: { record: { id: "open" } } }],
        });
        await service.stop();
      });

      it("fails for a file that does not exist or can't be read", async () => {
        for (const [path, code] of [
          ["missing.json", "ENOENT"],
          [".", "EISDIR"],
        ]) {
          const output = await failure({ cwd, env: { REALTIME_RULES: path } });
          expect(output).toContain(
            `or the path of a JSON file. The file "${path}" can't be read: ${code}.`,
          );
          expect(output).not.toMatch(/\n\s+at /);
        }
      });

      it("fails for a file that is empty or contains something else", async () => {
        for (const text of ["", "-----BEGIN PRIVATE KEY-----"]) {
          const output = await failure(await write(text));
          expect(output).toContain(
            'REALTIME_RULES is the path of "rules.json", which must contain JSON that begins',
          );
          expect(output).not.toContain("PRIVATE");
        }
      });

      it("fails for a rule that can't be compiled, and prints its collection, property and position", async () => {
        const output = await failure(
          await write('{"posts":{"listRule":"status ~~ 1"},"users":{"viewRule":"a = 1"}}'),
        );
        expect(output).toMatch(
          /^REALTIME_RULES is invalid\. The listRule of the collection "posts" is invalid\. Invalid filter at position \d+: /m,
        );
        expect(output).not.toContain("users");
        expect(output).not.toMatch(/\n\s+at /);
      });
    });

    it("applies the topic rules of a file", async () => {
      const rules = [{ match: "a/*", keep: 1 }];
      await writeFile(join(cwd, "topics.json"), JSON.stringify(rules));
      const env = { REALTIME_TOPICS: "topics.json" };
      const service = await startService(runtime, { cwd, env });
      const headers = { Authorization: `Bearer ${ADMIN_KEY}` };
      const answer = await fetch(`${service.url}/api/realtime/topics/rules`, { headers });
      expect(await answer.json()).toMatchObject({ rules });
      await service.stop();
      await writeFile(join(cwd, "topics.json"), '{"match":"a"}');
      expect(await failure({ cwd, env })).toContain(
        'REALTIME_TOPICS is the path of "topics.json", which must contain JSON that begins with "[".',
      );
    });

    it("says that the port is in use, and how to choose another", async () => {
      const first = await startService(runtime);
      const { port } = new URL(first.url);
      const service = spawnService(runtime, { env: { PORT: port, LOG_LEVEL: "silent" } });
      expect(await service.exited).toBe(1);
      expect(service.logs).toEqual([
        expect.objectContaining({
          msg: "could not start",
          error: `Port ${port} is in use: another program listens on ${first.url}. End that program, or choose another port with --port or the variable PORT; 0 takes a free port.`,
        }),
      ]);
      await first.stop();
    });

    it("says that the host is not an address of this machine", async () => {
      // An address for documentation (RFC 5737).
      const output = await failure({ env: { HOST: "192.0.2.7" } });
      expect(output).toContain('\\"192.0.2.7\\" is not an address of this machine.');
    });

    it("makes an admin key for this start if there is none, and prints it beside the log", async () => {
      const env = { REALTIME_ADMIN_KEY: undefined };
      const services = [await startService(runtime, { env }), await startService(runtime, { env })];
      const keys: string[] = [];
      for (const { url, output, logs } of services) {
        const key = await eventually(() => keyIn(output()), "the key is printed");
        expect(JSON.stringify(logs)).not.toContain(key);
        expect((await publish(url, message, key)).status).toBe(200);
        expect((await publish(url, message, `${key}x`)).status).toBe(401);
        keys.push(key);
      }
      expect(new Set(keys).size).toBe(2);
      for (const service of services) await service.stop();
    });

    it.each([
      ["in production", { NODE_ENV: "production" }],
      ["for a host that other machines can reach", { HOST: "0.0.0.0" }],
      ["if users can publish with tokens", { REALTIME_JWT_SECRET: "s".repeat(32) }],
    ])("makes no admin key %s, and says what to set", async (_, env) => {
      const service = await startService(runtime, {
        env: { REALTIME_ADMIN_KEY: undefined, ...env },
      });
      await eventually(
        () => service.logs.some(({ msg }) => String(msg).endsWith("; set REALTIME_ADMIN_KEY")),
        "the warning",
      );
      const { status } = await publish(service.url, message, "dev_");
      expect([401, 403]).toContain(status);
      await service.stop();
      expect(keyIn(service.output())).toBeUndefined();
    });

    it("prints the address of the console first, unless the console is off", async () => {
      const service = await startService(runtime);
      const banner = () =>
        service
          .output()
          .split("\n")
          .filter((line) => /^\w/.test(line));
      await eventually(() => banner().length > 1, "the banner");
      expect(banner().slice(0, 2)).toEqual([
        `Console:    ${service.url}`,
        `HTTP API:   ${service.url}/api/docs`,
      ]);
      await service.stop();
      const without = await startService(runtime, { env: { REALTIME_CONSOLE: "false" } });
      await eventually(
        () => without.output().includes("Console:    off; REALTIME_CONSOLE=true turns it on"),
        "the banner",
      );
      await without.stop();
    });

    it("reads settings from .dev.vars, and prints commands to try with its key", async () => {
      const service = await startService(runtime, { cwd, env: { REALTIME_ADMIN_KEY: undefined } });
      expect((await publish(service.url, message, fileKey)).status).toBe(200);
      await eventually(() => service.output().includes('"topic":"chat"'), "the hints are read");
      expect(service.output()).toContain(`curl -sN '${service.url}/api/realtime?topic=chat'`);
      expect(service.output()).toContain(`Authorization: Bearer ${fileKey}`);
      await service.stop();
    });

    it("prefers the environment to .dev.vars, and does not print a key of the environment", async () => {
      const service = await startService(runtime, { cwd });
      expect((await publish(service.url, message, ADMIN_KEY)).status).toBe(200);
      expect((await publish(service.url, message, fileKey)).status).toBe(401);
      await eventually(() => service.output().includes('"topic":"chat"'), "the hints are read");
      expect(service.output()).toContain("$REALTIME_ADMIN_KEY");
      expect(service.output()).not.toContain(ADMIN_KEY);
      expect(service.output()).not.toContain(fileKey);
      await service.stop();
    });

    it("ignores .dev.vars in production", async () => {
      const env = { NODE_ENV: "production", REALTIME_ADMIN_KEY: undefined };
      const service = await startService(runtime, { cwd, env });
      expect((await publish(service.url, message, fileKey)).status).toBe(403);
      await service.stop();
    });

    it("refuses to listen on the network with the key of .dev.vars", async () => {
      const output = await failure({
        cwd,
        env: { HOST: "0.0.0.0", REALTIME_ADMIN_KEY: undefined },
      });
      expect(output).toContain("REALTIME_ADMIN_KEY");
      expect(output).not.toContain(fileKey);
      const service = await startService(runtime, { cwd, env: { HOST: "0.0.0.0" } });
      await service.stop();
    });

    it("logs one JSON object a line", async () => {
      // The default exceeds the limit of open files on most machines, which the service logs in another line.
      const env = { NODE_ENV: "production", REALTIME_MAX_CLIENTS: "100" };
      const service = await startService(runtime, { env });
      await service.stop();
      const lines = service.output().trim().split("\n");
      expect(lines.map((line) => JSON.parse(line))).toEqual(
        ["listening", "stopping", "stopped"].map((msg) =>
          expect.objectContaining({ msg, level: "info", time: expect.stringMatching(/Z$/) }),
        ),
      );
    });

    it("logs readable lines when configured to", async () => {
      const taken = await startService(runtime);
      const output = await failure({
        env: { LOG_FORMAT: "text", PORT: new URL(taken.url).port },
      });
      expect(output).toMatch(/^\d\d:\d\d:\d\d\.\d{3} ERROR could not start error=".*" host=/m);
      await taken.stop();
    });
  });
}
