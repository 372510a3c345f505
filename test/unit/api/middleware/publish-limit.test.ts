import { describe, expect, it } from "vitest";
import { RefusedRequests } from "../../../../src/api/counters.ts";
import { DEFAULT_LIMITS } from "../../../../src/api/limits.ts";
import { createPublishLimit } from "../../../../src/api/middleware/publish-limit.ts";

const refused = expect.objectContaining({ code: "too_many_requests" });

describe("the limit on publishing", () => {
  it("counts a guest apart from an identity with the name of the guest's bucket", () => {
    const limits = { ...DEFAULT_LIMITS, publishesPerSecond: 0.1, maxBatch: 1 };
    const limit = createPublishLimit(limits, () => 0, new RefusedRequests());
    limit({ ip: "203.0.113.1" }, []);
    expect(() => limit({ ip: "203.0.113.1" }, [])).toThrow(refused);
    expect(() => limit({ identity: "guest 203.0.113.1" }, [])).not.toThrow();
    expect(() => limit({ ip: "203.0.113.2" }, [])).not.toThrow();
  });
});
