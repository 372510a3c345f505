import { describe, expect, it } from "vitest";
import { RefusedRequests } from "../../../../src/api/counters.ts";
import { DEFAULT_LIMITS } from "../../../../src/api/limits.ts";
import { createPublishLimit } from "../../../../src/api/middleware/publish-limit.ts";
import { createMessage } from "../../../../src/realtime/message.ts";

describe("createPublishLimit", () => {
  const limits = { ...DEFAULT_LIMITS, publishesPerSecond: 0.1, maxBatch: 1 };
  const messages = [createMessage({ topic: "chat", data: 1 })];

  it("counts a user apart from the guest that the user's id describes", () => {
    const limit = createPublishLimit(limits, () => 0, new RefusedRequests());
    const guest = { identity: undefined, ip: "203.0.113.1", issuedAt: 0 };
    const user = { identity: "guest 203.0.113.1", ip: "198.51.100.7", issuedAt: 0 };
    limit(guest, messages);
    expect(() => limit(guest, messages)).toThrow("The limit of 0.1 messages");
    expect(() => limit(user, messages)).not.toThrow();
  });
});
