import { describe, expect, it } from "vitest";
import { createServer } from "../../../../src/api/server.ts";
import type { MessageLog } from "../../../../src/log/log.ts";
import { createMemoryLog } from "../../../../src/log/memory.ts";
import { RealtimeError } from "../../../../src/realtime/errors.ts";

const ADMIN_KEY = "a-key-of-an-administrator";

/** A service with a log that fails while `failure` is set. */
function openService(authenticate?: () => string) {
  const state: { failure?: RealtimeError } = {};
  const memory = createMemoryLog();
  const log: MessageLog = Object.assign(Object.create(memory) as MessageLog, {
    keepsHistory: true,
    cursor: () => memory.cursor(),
    hasReached: memory.hasReached.bind(memory),
    tail: memory.tail.bind(memory),
    read: memory.read.bind(memory),
    readBack: memory.readBack.bind(memory),
    stats: memory.stats.bind(memory),
    erase: memory.erase.bind(memory),
    close: memory.close.bind(memory),
    append: (...args: Parameters<MessageLog["append"]>) => {
      if (state.failure !== undefined) throw state.failure;
      return memory.append(...args);
    },
  });
  const server = createServer({
    log,
    adminKey: ADMIN_KEY,
    ...(authenticate && { authenticate, authorize: () => true }),
  });
  const post = async (body: unknown, headers: Record<string, string> = {}) => {
    const answer = await server.app.request("/api/realtime/messages", {
      method: "POST",
      body: JSON.stringify(body),
      headers: { "Content-Type": "application/json", ...headers },
    });
    // The cast: every answer of the service is JSON.
    return { answer, body: (await answer.json()) as { ids?: string[]; id?: string } };
  };
  return { server, state, post };
}

const admin = { Authorization: `Bearer ${ADMIN_KEY}` };

describe("a publish that fails for a reason that passes", () => {
  for (const code of ["unreachable", "storage_failed", "closed"] as const) {
    it(`is answered with the ids of the messages, with which a retry is accepted: ${code}`, async () => {
      const { post, state } = openService();
      state.failure = new RealtimeError(code, "Not now.");
      const messages = [
        { topic: "chat", data: 1 },
        { topic: "chat", data: 2, id: "own" },
      ];
      const { answer, body } = await post(messages, admin);
      expect(answer.status).toBe(503);
      expect(answer.headers.get("Retry-After")).toMatch(/^\d+$/);
      expect(body).toMatchObject({ status: 503, message: "Not now.", data: {} });
      expect(body.ids).toEqual([expect.stringMatching(/^[\w-]{21}$/), "own"]);
      delete state.failure;
      const again = messages.map((message, index) => ({ ...message, id: body.ids?.[index] }));
      expect((await post(again, admin)).body).toEqual(body.ids?.map((id) => ({ id })));
    });
  }

  it("tells a user the id without the user's identity", async () => {
    const { post, state } = openService(() => "anna");
    state.failure = new RealtimeError("unreachable", "Not now.");
    const { body } = await post({ topic: "chat", data: 1, id: "m1" });
    expect(body.ids).toEqual(["m1"]);
  });

  it("has no ids when the messages were refused", async () => {
    const { post, state } = openService();
    state.failure = new RealtimeError("revoked", "No.");
    const { answer, body } = await post({ topic: "chat", data: 1 }, admin);
    expect(answer.status).toBe(401);
    expect(body).not.toHaveProperty("ids");
  });

  it("rejects the call of the embedding app with the ids", async () => {
    const { server, state } = openService();
    state.failure = new RealtimeError("unreachable", "Not now.");
    await expect(server.publish({ topic: "chat", data: 1, id: "m1" })).rejects.toMatchObject({
      code: "unreachable",
      ids: ["m1"],
    });
  });
});
