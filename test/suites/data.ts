import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ADMIN_KEY, type Answer, call, postJSON, publish, readStats } from "../support/api.ts";
import { closeClients } from "../support/clients.ts";
import { eventually } from "../support/deadline.ts";
import {
  type RuntimeUnderTest,
  type Service,
  spawnService,
  startService,
} from "../support/service.ts";
import { openStream, type SSEClient } from "../support/sse-client.ts";
import { inSeconds, JWT_SECRET, signToken } from "../support/tokens.ts";

const admin = { Authorization: `Bearer ${ADMIN_KEY}` };

/** The runtime with a limit on the size of a file, which a program may change later (`raiseFileLimit`). */
function withFileLimit(runtime: RuntimeUnderTest, kibibytes: number): RuntimeUnderTest {
  const script = `trap "" XFSZ; ulimit -S -f ${kibibytes}; exec "$@"`;
  return {
    ...runtime,
    command: (settings) => ["bash", "-c", script, "_", ...runtime.command(settings)],
  };
}

function raiseFileLimit(service: Service): void {
  const { status } = spawnSync("prlimit", [
    "--pid",
    `${service.process.pid}`,
    "--fsize=unlimited:",
  ]);
  expect(status, "prlimit is installed").toBe(0);
}

/** The runtime as a user that may not change the files of the tests: root may change every file. */
function withoutRights(runtime: RuntimeUnderTest): RuntimeUnderTest {
  const user = ["--reuid=65534", "--regid=65534", "--clear-groups"];
  return {
    ...runtime,
    command: (settings) => ["setpriv", ...user, "--", ...runtime.command(settings)],
  };
}

/** A service with `REALTIME_DATA`: what survives, and what happens when folder, file or disk can't be used. */
export function dataSuite(runtime: RuntimeUnderTest): void {
  describe(`a data folder on ${runtime.name}`, () => {
    let folder: string;
    let env: Record<string, string>;
    const services: Service[] = [];
    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), "pocketwire-data-"));
      env = { REALTIME_DATA: folder, REALTIME_JWT_SECRET: JWT_SECRET };
    });
    afterEach(async () => {
      closeClients();
      for (const service of services.splice(0)) await service.stop("SIGKILL");
      rmSync(folder, { recursive: true, force: true });
    });

    const start = async (from: RuntimeUnderTest = runtime): Promise<Service> => {
      const service = await startService(from, { env });
      services.push(service);
      return service;
    };
    const refusal = async (from: RuntimeUnderTest = runtime): Promise<string> => {
      const service = spawnService(from, { env });
      expect(await service.exited).toBe(1);
      expect(service.output()).not.toMatch(/\n\s+at /);
      return service.output();
    };
    const say = (service: Service, n: number) =>
      publish(service.url, { topic: "chat", data: n, id: `m${n}` });
    const history = async ({ url }: Service): Promise<number[]> => {
      const { body } = await call(url, "/api/realtime/messages?topic=chat&limit=1000");
      return body.messages.map(({ data }: { data: number }) => data);
    };
    const chatOf = ({ events }: SSEClient) =>
      events.filter(({ event }) => event === "chat").map(({ data }) => Number(data));
    const listen = (service: Service, lastEventId?: string): Promise<SSEClient> => {
      const headers = lastEventId === undefined ? {} : { "Last-Event-ID": lastEventId };
      return openStream(service.url, { headers }, "?topic=chat");
    };
    const resumed = async (client: SSEClient) => {
      const resume = () => client.events.find(({ event }) => event === "PB_RESUME")?.data;
      return JSON.parse(await eventually(resume, "PB_RESUME"));
    };

    it.each(["SIGTERM", "SIGKILL"] as const)(
      "keeps messages, message ids, revocations and the places of clients over a restart by %s",
      async (signal) => {
        const before = await start();
        const token = await signToken({ sub: "anna", iat: inSeconds(-10) });
        const asAnna = { Authorization: `Bearer ${token}` };
        const readAsAnna = (service: Service) =>
          call(service.url, "/api/realtime/messages?topic=chat", { headers: asAnna });
        expect((await readAsAnna(before)).status).toBe(200);
        const client = await listen(before);
        for (const n of [1, 2, 3]) expect((await say(before, n)).status).toBe(200);
        await eventually(() => chatOf(client).length === 3, "the client has the messages");
        const place = client.events.at(0)?.id;
        const revoke = { subject: "anna" };
        expect((await postJSON(before.url, "/api/realtime/revoke", revoke, admin)).status).toBe(
          200,
        );
        await before.stop(signal);

        const after = await start();
        expect(await history(after)).toEqual([1, 2, 3]);
        expect((await say(after, 3)).body).toEqual({ id: "m3", duplicate: true });
        expect((await say(after, 4)).body).toEqual({ id: "m4" });
        expect((await readAsAnna(after)).status).toBe(401);
        const again = await listen(after, place);
        expect(await resumed(again)).toEqual({ recovered: true, replayed: 3 });
        expect(chatOf(again)).toEqual([2, 3, 4]);
      },
    );

    it("is one file after a stop", async () => {
      const service = await start();
      await say(service, 1);
      expect(await service.stop()).toBe(0);
      expect(service.output()).not.toContain("ExperimentalWarning");
      expect(readdirSync(folder).toSorted()).toEqual(["pocketwire.lock", "pocketwire.sqlite"]);
    });

    it("is refused to a second process, which ends with an error", async () => {
      const first = await start();
      const output = await refusal();
      expect(output).toContain("could not start");
      expect(output).toContain("Another process uses the data folder");
      expect((await say(first, 1)).status).toBe(200);
      await first.stop("SIGKILL");
      expect(await history(await start())).toEqual([1]);
    });

    it("is refused when its file is damaged, and the error says what to do", async () => {
      writeFileSync(join(folder, "pocketwire.sqlite"), "no database ".repeat(1000));
      expect(await refusal()).toMatch(/is damaged .*Restore a backup, or move the file away/);
    });

    it.skipIf(process.getuid?.() !== 0)(
      "is refused to a user that may not change its files (skipped unless root runs the tests)",
      async () => {
        await (await start()).stop();
        expect(await refusal(withoutRights(runtime))).toContain("can't write to the data folder");
        // Not even root may create a folder there.
        env.REALTIME_DATA = "/sys/pocketwire";
        expect(await refusal()).toContain("can't write to the data folder");
      },
    );

    it("is copied with VACUUM INTO while messages arrive, and clients that saw the lost tail are told", async () => {
      const service = await start();
      const client = await listen(service);
      for (const n of [1, 2]) await say(service, n);
      const copy = join(folder, "copy.sqlite");
      const statement = `VACUUM INTO '${copy}'`;
      const backup = spawnSync("sqlite3", [join(folder, "pocketwire.sqlite"), statement]);
      expect(String(backup.stderr ?? "sqlite3 is missing")).toBe("");
      for (const n of [3, 4]) await say(service, n);
      await eventually(() => chatOf(client).length === 4, "the client has the messages");
      const places = client.events.map(({ id }) => id);
      await service.stop();
      for (const file of readdirSync(folder)) {
        if (file !== "copy.sqlite") rmSync(join(folder, file));
      }
      env.REALTIME_DATA = mkdtempSync(join(folder, "restored-"));
      spawnSync("cp", [copy, join(env.REALTIME_DATA, "pocketwire.sqlite")]);

      const restored = await start();
      expect(await history(restored)).toEqual([1, 2]);
      // Other messages now have the numbers of the lost ones.
      for (const n of [5, 6, 7]) await say(restored, n);
      const before = await listen(restored, places[1]);
      expect(await resumed(before)).toEqual({ recovered: true, replayed: 3 });
      expect(chatOf(before)).toEqual([5, 6, 7]);
      for (const place of places.slice(2)) {
        expect(await resumed(await listen(restored, place))).toEqual({ recovered: false });
      }
    });

    it("answers 503 while the disk is full, delivers nothing that it has not stored, and goes on afterwards", async () => {
      const service = await start(withFileLimit(runtime, 600));
      const client = await listen(service);
      const acknowledged: number[] = [];
      const padding = "x".repeat(20_000);
      const post = (n: number): Promise<Answer> =>
        publish(service.url, { topic: "chat", data: n, id: `m${n}` });
      let refused: Answer | undefined;
      for (let n = 1; n < 200 && refused === undefined; n++) {
        await publish(service.url, { topic: "other", data: `secret ${padding}` });
        const answer = await post(n);
        if (answer.status === 200) acknowledged.push(n);
        else refused = answer;
      }
      expect(refused?.status).toBe(503);
      expect(refused?.headers.get("retry-after")).toMatch(/^\d+$/);
      expect(refused?.body.message).toContain("can't write to its disk");
      expect((await call(service.url, "/api/health")).status).toBe(200);
      expect((await call(service.url, "/api/health/ready")).status).toBe(503);
      expect(await history(service)).toEqual(acknowledged);
      const accepted = (await readStats(service.url)).accepted;
      expect((await post(1000)).status).toBe(503);
      expect((await readStats(service.url)).accepted).toBe(accepted);
      const lines = service.logs.filter(({ msg }) => msg === "the data can't be stored");
      expect(lines.filter(({ level }) => level === "error")).toHaveLength(1);
      expect(service.output()).not.toContain("secret");

      raiseFileLimit(service);
      const isReady = async () => (await call(service.url, "/api/health/ready")).status === 200;
      await eventually(isReady, "the service is ready again");
      expect((await post(1000)).body).toEqual({ id: "m1000" });
      await eventually(() => chatOf(client).includes(1000), "the message arrives");
      expect(chatOf(client)).toEqual([...acknowledged, 1000]);
      await service.stop("SIGKILL");
      expect(await history(await start())).toEqual([...acknowledged, 1000]);
    });
  });
}
