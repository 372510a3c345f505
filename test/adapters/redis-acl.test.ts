import { readFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createServer } from "../../src/api/server.ts";
import { openRedis } from "../../src/runtimes/process/redis/open-redis.ts";
import { eventually } from "../support/deadline.ts";
import { RecordingSink } from "../support/recording-sink.ts";
import { NO_REDIS, type RedisServer, startRedis } from "../support/redis-server.ts";

/** The arguments of the command in docs/deploy.md that creates the user. */
function documentedCommand(): string[] {
  const text = readFileSync(new URL("../../docs/deploy.md", import.meta.url), "utf8");
  const command = /^redis-cli (ACL SETUSER pocketwire[^`]*)$/m.exec(text)?.[1] ?? "";
  return command.replaceAll("\\\n", " ").replaceAll("'", "").trim().split(/\s+/);
}

describe.skipIf(NO_REDIS)(
  `a Redis user with the documented permissions${NO_REDIS ? ` (skipped: ${NO_REDIS})` : ""}`,
  () => {
    let redis: RedisServer;
    beforeEach(async () => {
      redis = await startRedis();
      expect(await redis.command(...documentedCommand())).toBe("+OK\r\n");
      await redis.command("ACL", "LOG", "RESET");
    });
    afterEach(() => redis.stop());

    it("can do everything that the service does", async () => {
      const url = redis.url.replace("//", "//pocketwire:a-password-of-your-own@");
      const topics = [
        { match: "kept", keep: 1 },
        { match: "chat", presence: true },
      ];
      const servers = await Promise.all(
        [0, 1].map(async () => createServer({ ...(await openRedis({ url, topics })), topics })),
      );
      const [a, b] = servers;
      await a?.publish({ topic: "kept", data: 1 }, { topic: "kept", data: 2 });
      expect(await b?.registry.erase("kept")).toBe(2);
      await b?.registry.revoke({ subject: "anna" });
      const connection = await a?.registry.open({ identity: "bob", topics: ["chat"] });
      await connection?.attach(new RecordingSink());
      const count = async () => (await b?.registry.members("chat"))?.count;
      await eventually(async () => (await count()) === 1, "the member of the other process");
      expect(await a?.registry.stats()).toMatchObject({ processes: { living: 2, silent: [] } });
      await Promise.all(servers.map((server) => server.close()));
      expect(await redis.command("ACL", "LOG")).toBe("*0\r\n");
    });

    it("is named in an error when its password is wrong, without the password", async () => {
      const url = redis.url.replace("//", "//pocketwire:not-the-password@");
      const error: Error = await openRedis({ url }).then(
        () => new Error("It connects."),
        (reason) => reason,
      );
      expect(error.message).toContain("Redis has refused the user or the password of REDIS_URL");
      expect(String(error.stack)).not.toContain("not-the-password");
    });
  },
);
