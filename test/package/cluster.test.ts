import { spawnSync } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { EventSource } from "eventsource";
import { describe, expect, it } from "vitest";
import { ADMIN_KEY } from "../support/api.ts";
import { closeClients, trackClient } from "../support/clients.ts";
import { publishInTurn, startClusterDemo } from "../support/cluster-demo.ts";
import { eventually } from "../support/deadline.ts";
import { NO_REDIS } from "../support/redis-server.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Opens a stream of the topic `a`. @returns what it has received, and whether it was told that messages are missing. */
function listen(url: string) {
  const heard: number[] = [];
  const resumes: string[] = [];
  const source = new EventSource(`${url}/api/realtime?topic=a`);
  trackClient(() => source.close());
  source.addEventListener("a", ({ data }) => heard.push(JSON.parse(data)));
  source.addEventListener("PB_RESUME", ({ data }) => resumes.push(data));
  const opened = new Promise((resolve) => source.addEventListener("PB_CONNECT", resolve));
  return { heard, resumes, opened };
}

describe("npm run cluster", () => {
  it("says how to install Redis where it is missing", () => {
    const { status, stderr } = spawnSync(process.execPath, [join(root, "scripts/cluster.mjs")], {
      env: { PATH: mkdtempSync(join(tmpdir(), "no-redis-")), PORT: "0" },
      encoding: "utf8",
      timeout: 30_000,
    });
    expect(status).toBe(1);
    expect(stderr).toContain("redis-server is not installed.");
    expect(stderr).toContain("apt-get install redis-server");
  });

  const title = "over a Redis of its own";
  describe.skipIf(NO_REDIS)(`${title}${NO_REDIS ? ` (skipped: ${NO_REDIS})` : ""}`, () => {
    it("loses and repeats nothing when each process and Redis are killed, and stops on Ctrl-C", async () => {
      const demo = await startClusterDemo(ADMIN_KEY);
      const streams = Array.from({ length: 6 }, () => listen(demo.url));
      await Promise.all(streams.map(({ opened }) => opened));
      const publisher = publishInTurn(demo.processes, "a");
      for (const name of ["process 1", "process 2", "process 3", "Redis", "process 1"]) {
        const before = publisher.count();
        await eventually(() => publisher.count() > before + 20, `messages before ${name} ends`);
        await demo.kill(name);
      }
      const count = await publisher.stop();
      const all = Array.from({ length: count }, (_, index) => index + 1);
      for (const { heard, resumes } of streams) {
        await eventually(() => heard.length >= count, `${count} messages, got ${heard.length}`);
        expect(heard).toEqual(all);
        expect(resumes.every((data) => JSON.parse(data).recovered === true)).toBe(true);
      }
      // Each stream went through one of the three processes, and all of these were killed.
      expect(streams.every(({ resumes }) => resumes.length > 0)).toBe(true);
      closeClients();
      expect(await demo.stop("SIGINT")).toBe(0);
      for (const url of [demo.url, ...demo.processes]) {
        await expect(fetch(url)).rejects.toThrow();
      }
    }, 120_000);
  });
});
