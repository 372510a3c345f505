import { describe, expect, it } from "vitest";
import { earlier, messageOf, positionOf } from "../../../../src/client/share/messages.ts";

const HASH = "5f1d0000000000000000000000000000";

describe("an event id", () => {
  it.each([
    ["a message", "0-k3j9x0a1bc-1235", 1235, 1235],
    ["a message under several keys, before the last delivery", `0-k3-1234~${HASH}`, 1234, 1235],
    ["an event for one client", "0-k3-1235.Zb7x-12", 1235, undefined],
    ["a client id", "0-k3-17.q7w2e9rt.V1StGXR8_Z5jdHi6B-myT", 17, undefined],
    ["a client id without a position", "0-k3.V1StGXR8_Z5jdHi6B-7", undefined, undefined],
    ["a random word that ends with a number", "V1StGXR8_Z5jdHi6B-x-77", undefined, undefined],
    ["an event without an id", "", undefined, undefined],
  ])("of %s has its position and its message", (_, id, position, message) => {
    expect([positionOf(id), messageOf(id)]).toEqual([position, message]);
  });
});

describe("the earlier of two event ids", () => {
  it.each([
    ["has the smaller position", "0-k3-9", "0-k3-10", "0-k3-9"],
    ["is the one before a message, not the one within it", `0-k3-9~${HASH}`, "0-k3-9", "0-k3-9"],
    ["is the only one with a position", "V1StGXR8_Z5jdHi6B-myT", "0-k3-10", "0-k3-10"],
    ["is the only one", "", "V1StGXR8_Z5jdHi6B-myT", "V1StGXR8_Z5jdHi6B-myT"],
  ])("%s", (_, one, other, expected) => {
    expect([earlier(one, other), earlier(other, one)]).toEqual([expected, expected]);
  });

  it("is the other one if the epochs differ, because only the service knows", () => {
    expect(earlier("0-k3-11", "0-x9-1000")).toBe("0-x9-1000");
    expect(earlier("0-k3-11", "1-k3-10")).toBe("1-k3-10");
  });
});
