import { readFileSync } from "node:fs";
import { afterEach, describe, expect, it } from "vitest";
import { call } from "../support/api.ts";
import { closeClients } from "../support/clients.ts";
import { eventually, pause } from "../support/deadline.ts";
import { countDescriptors, NO_DESCRIPTORS } from "../support/descriptors.ts";
import { leftOut } from "../support/flags.ts";
import { type OneConnection, openOneConnection } from "../support/one-connection.ts";
import { openRaw, type RawClient } from "../support/raw-client.ts";
import { type RuntimeUnderTest, startService } from "../support/service.ts";
import { openStream } from "../support/sse-client.ts";

const LIMIT = 200;
/** More than the limit allows. */
const CONNECTIONS = 300;
/** The service at the limit of open files. */
export function openFilesSuite(runtime: RuntimeUnderTest): void {
  describe.skipIf(NO_DESCRIPTORS !== undefined)(
    leftOut(`the limit of open files on ${runtime.name}`, NO_DESCRIPTORS),
    () => {
      afterEach(closeClients);

      it("is compared with REALTIME_MAX_CLIENTS at startup", async () => {
        const service = await startService(limited(runtime), {
          env: { REALTIME_MAX_CLIENTS: "500" },
        });
        const line = await eventually(
          () => service.logs.find(({ maxClients }) => maxClients === 500),
          "the line is read",
        );
        expect(line).toMatchObject({ level: "warn", limit: LIMIT });
        expect(line.hint).toContain("ulimit -n");
        await service.stop();
      });

      for (const isSilent of [false, true]) {
        const what = isSilent ? "send nothing" : "ask for streams";
        it(`refuses connections that ${what}, and keeps open connections working`, () =>
          expectService(runtime, isSilent));
      }
    },
  );
}

async function expectService(runtime: RuntimeUnderTest, isSilent: boolean): Promise<void> {
  const service = await startService(limited(runtime), { env: { LOG_LEVEL: "info" } });
  const { url } = service;
  const pid = service.process.pid ?? 0;
  const stream = await openStream(url, {}, "?topic=a");
  const operator = openOneConnection(url);
  const send = (data: string) => operator.send("/api/realtime/messages", { topic: "a", data });
  expect((await send("before")).status).toBe(200);
  const crowd = await openCrowd(url, isSilent);
  const refused = () => service.logs.filter(({ msg }) => msg === "connections are refused");
  await eventually(() => refused().length > 0, "some connections are refused");
  expect(countDescriptors(pid)).toBeLessThanOrEqual(LIMIT);
  const busy = await busyShare(pid);
  console.log(
    `${runtime.name}: at the limit of open files the process is busy for ${busy} of the time`,
  );
  expect(busy).toBeLessThan(0.5);
  // Bun closes idle connections when it stops accepting, so the operator's request may have to wait for a free descriptor.
  const meanwhile = () => send("meanwhile").catch(() => undefined);
  await eventually(async () => (await meanwhile())?.status === 200, "a message is accepted");
  await stream.receive(2, "the stream that was open before gets a message");
  expect(await refusedBy(operator)).toBeGreaterThan(0);
  expect(refused()).toHaveLength(1);
  operator.close();
  for (const { socket } of crowd) socket.destroy();
  await eventually(async () => {
    const answer = await call(url, "/api/health").catch(() => undefined);
    return answer?.status === 200 && countDescriptors(pid) < LIMIT / 2;
  }, "the service accepts connections again");
  (await openStream(url)).close();
  await service.stop();
}

async function openCrowd(url: string, isSilent: boolean): Promise<RawClient[]> {
  const crowd: RawClient[] = [];
  for (let count = 0; count < CONNECTIONS; count++) {
    crowd.push(await openRaw(url, { isSilent }));
  }
  return crowd;
}

async function refusedBy(operator: OneConnection): Promise<number> {
  const { body } = await operator.send("/api/realtime/stats");
  return JSON.parse(body).connectionsRefused;
}

/** The share of two seconds in which the process was busy. */
async function busyShare(pid: number): Promise<number> {
  const [ticksBefore, before] = [ticksOf(pid), performance.now()];
  await pause(2000);
  // Linux counts in hundredths of a second.
  return ((ticksOf(pid) - ticksBefore) * 10) / (performance.now() - before);
}

/** CPU time of a process, in the units of /proc/<pid>/stat: user and system. */
function ticksOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "latin1").split(") ")[1]?.split(" ") ?? [];
  return Number(fields[11]) + Number(fields[12]);
}

function limited(runtime: RuntimeUnderTest): RuntimeUnderTest {
  return {
    ...runtime,
    command: (settings) => {
      const words = runtime.command(settings).map((word) => `'${word}'`);
      return ["bash", "-c", `ulimit -n ${LIMIT}; exec ${words.join(" ")}`];
    },
  };
}
