import { describe, expect, it } from "vitest";
import { DEFAULT_LIMITS, limitsOf } from "../../../src/api/limits.ts";

describe("the limits of a server", () => {
  it("are the defaults where an option is left out or undefined", () => {
    expect(limitsOf({})).toEqual(DEFAULT_LIMITS);
    expect(limitsOf({ maxBatch: undefined })).toEqual(DEFAULT_LIMITS);
  });

  it("are those of the options, 0 included, and no other option", () => {
    const options = { maxBatch: 7, maxClients: 0, adminKey: "not-a-limit" };
    expect(limitsOf(options)).toEqual({ ...DEFAULT_LIMITS, maxBatch: 7, maxClients: 0 });
  });

  it("have a handshakeTimeout of at most staleTimeout", () => {
    expect(limitsOf({ staleTimeout: 500 }).handshakeTimeout).toBe(500);
  });
});
