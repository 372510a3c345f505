import { describe, expect, it } from "vitest";
import { viewerOf } from "../../../../src/realtime/records/viewer.ts";

describe("the viewer for a caller", () => {
  it("is the user with the record of the credential, and a guest without one", () => {
    expect(viewerOf({ auth: { id: "u1", role: "a" } }).auth).toEqual({ id: "u1", role: "a" });
    expect(viewerOf({ identity: "u1" }).auth).toBeUndefined();
    expect(viewerOf({ identity: "u1", auth: { id: "u2" } }).auth).toEqual({ id: "u2" });
    expect(viewerOf({}).auth).toBeUndefined();
  });

  it("is an administrator without a record", () => {
    const viewer = viewerOf({ isAdmin: true, identity: "u1", auth: { id: "u1" } });
    expect(viewer).toMatchObject({ isAdmin: true, auth: undefined });
    expect(viewerOf({ isAdmin: false }).isAdmin).toBe(false);
  });

  it("has a key of its own for each kind of caller and each record", () => {
    const callers = [
      {},
      { isAdmin: true },
      { auth: { id: "u1" } },
      { auth: { id: "u2" } },
      { auth: { id: "guest" } },
      { auth: { id: "administrator" } },
      { auth: { id: "u1", role: "a" } },
      { auth: { id: "u1", role: "b" } },
      { auth: {} },
    ];
    const keys = callers.map((caller) => viewerOf(caller).key);
    expect(new Set(keys).size).toBe(callers.length);
    expect(keys).not.toContain("everyone");
    expect(keys).not.toContain("user");
    expect(viewerOf({ identity: "u1", auth: { id: "u1" } }).key).toBe(
      viewerOf({ auth: { id: "u1" } }).key,
    );
  });
});
