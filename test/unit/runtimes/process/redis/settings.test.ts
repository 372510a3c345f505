import { describe, expect, it } from "vitest";
import { openRedis } from "../../../../../src/runtimes/process/redis/open-redis.ts";

const url = "redis://user:a-secret-password@127.0.0.1:1";

describe("the settings of Redis", () => {
  const wrong = [
    [{ url: "127.0.0.1:6379" }, "REDIS_URL"],
    [{ url: "http://user:a-secret-password@127.0.0.1" }, "REDIS_URL"],
    [{ url: "redis://" }, "REDIS_URL"],
    [{ url: "redis://user:a-secret-password%@127.0.0.1" }, "REDIS_URL"],
    [{ url: "redis://127.0.0.1/name" }, "REDIS_URL"],
    [{ url, readURL: "replica.example" }, "REDIS_READ_URL"],
    [{ url, prefix: "{a}" }, "REDIS_PREFIX"],
    [{ url, prefix: "a b" }, "REDIS_PREFIX"],
    [{ url, prefix: "a".repeat(65) }, "REDIS_PREFIX"],
    [{ url, prefix: "" }, "REDIS_PREFIX"],
  ] as const;
  it.each(wrong)("are refused by name, and without their values: %j", async (settings, name) => {
    const refused = openRedis(settings);
    await expect(refused).rejects.toMatchObject({ code: "invalid_config" });
    await expect(refused).rejects.toThrow(name);
    await expect(refused).rejects.not.toThrow("a-secret-password");
  });
});
