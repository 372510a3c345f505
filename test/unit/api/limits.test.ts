import { describe, expect, it } from "vitest";
import { DEFAULT_LIMITS, withDefaults } from "../../../src/api/limits.ts";

describe("the limits of a server", () => {
  it("are the defaults where an option is left out or undefined", () => {
    expect(withDefaults({})).toEqual(DEFAULT_LIMITS);
    expect(withDefaults({ maxBatch: undefined })).toEqual(DEFAULT_LIMITS);
  });

  it("are those of the options, 0 included, and no other option", () => {
    const options = { maxBatch: 7, maxClients: 0, adminKey: "not-a-limit" };
    expect(withDefaults(options)).toEqual({ ...DEFAULT_LIMITS, maxBatch: 7, maxClients: 0 });
  });

  it("have a handshakeTimeout of at most staleTimeout", () => {
    expect(withDefaults({ staleTimeout: 500 }).handshakeTimeout).toBe(500);
  });
});
