import { describe, expect, it } from "vitest";
import { RealtimeError } from "../../../src/realtime/errors.ts";

describe("a RealtimeError", () => {
  it("is an Error with a name, a code and a message", () => {
    const error = new RealtimeError("closed", "The server is stopping.");
    expect(error).toBeInstanceOf(Error);
    expect(error).toBeInstanceOf(RealtimeError);
    expect(error.name).toBe("RealtimeError");
    expect(error.code).toBe("closed");
    expect(error.message).toBe("The server is stopping.");
    expect(String(error)).toBe("RealtimeError: The server is stopping.");
    expect(error.stack).toContain("The server is stopping.");
  });

  it("has no fields and no cause unless it is given them", () => {
    const error = new RealtimeError("unknown_client", "x");
    expect(error.fields).toEqual({});
    expect(Object.hasOwn(error, "cause")).toBe(false);
    expect(Object.hasOwn(new RealtimeError("closed", "x", { cause: undefined }), "cause")).toBe(
      false,
    );
  });

  it("carries its fields and its cause", () => {
    const fields = { clientId: { code: "validation_required", message: "Cannot be blank." } };
    const cause = new TypeError("inner");
    const error = new RealtimeError("invalid_input", "x", { fields, cause });
    expect(error.fields).toEqual(fields);
    expect(error.cause).toBe(cause);
    expect(new RealtimeError("closed", "x", { cause: null }).cause).toBeNull();
  });

  it("does not mix its cause into its message", () => {
    const error = new RealtimeError("invalid_event", "x", { cause: new Error("secret") });
    expect(String(error)).not.toContain("secret");
  });
});
