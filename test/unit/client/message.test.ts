import { describe, expect, it } from "vitest";
import { readMessage } from "../../../src/client/message.ts";

const TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const envelope = { topic: "chat/1", data: 1, id: "m1", at: "2026-11-30T09:00:00.000Z" };

describe("the message of an envelope", () => {
  it("has the trace context, if the envelope has one", () => {
    const traced = { ...envelope, traceparent: TRACEPARENT };
    expect(readMessage("chat/*", traced, "")).toEqual(traced);
    expect(Object.keys(readMessage("chat/*", envelope, ""))).toEqual(Object.keys(envelope));
  });

  it("has only the properties of a message", () => {
    const listed = { ...envelope, topics: ["chat/1"], cursor: "0-k3-1" };
    expect(readMessage("chat/*", listed, "")).toEqual(envelope);
  });
});
