import { describe, expect, it } from "vitest";
import { createMessage } from "../../../src/realtime/message.ts";
import { parseTraceparent, withTraceparent } from "../../../src/realtime/traceparent.ts";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT = "00f067aa0ba902b7";
const VALID = `00-${TRACE}-${PARENT}-01`;

describe("a traceparent", () => {
  it("of version 00 stays as it is", () => {
    for (const flags of ["00", "01", "03", "ff"]) {
      expect(parseTraceparent(`00-${TRACE}-${PARENT}-${flags}`)).toBe(
        `00-${TRACE}-${PARENT}-${flags}`,
      );
    }
  });

  it("of a later version is read as version 00, with the flag sampled only", () => {
    expect(parseTraceparent(`01-${TRACE}-${PARENT}-ff`)).toBe(VALID);
    expect(parseTraceparent(`cc-${TRACE}-${PARENT}-02-what-comes`)).toBe(
      `00-${TRACE}-${PARENT}-00`,
    );
    expect(parseTraceparent(`01-${TRACE}-${PARENT}-01-`)).toBe(VALID);
  });

  // From the test suite of the specification: https://github.com/w3c/trace-context/tree/main/test
  it.each([
    undefined,
    "",
    "00",
    ` ${VALID}`,
    `${VALID} `,
    `${VALID}\n`,
    `${VALID}-`,
    `${VALID}-01`,
    `${VALID}.01`,
    `01-${TRACE}-${PARENT}-01.01`,
    `ff-${TRACE}-${PARENT}-01`,
    `0-${TRACE}-${PARENT}-01`,
    `000-${TRACE}-${PARENT}-01`,
    `.0-${TRACE}-${PARENT}-01`,
    `00-${"0".repeat(32)}-${PARENT}-01`,
    `00-${TRACE}-${"0".repeat(16)}-01`,
    `00-${TRACE.slice(1)}-${PARENT}-01`,
    `00-${TRACE}a-${PARENT}-01`,
    `00-${TRACE}-${PARENT.slice(1)}-01`,
    `00-${TRACE}-${PARENT}-1`,
    `00-${TRACE}-${PARENT}-001`,
    `00-${TRACE}-${PARENT}-.0`,
    VALID.toUpperCase(),
    `${VALID}, ${VALID}`,
    "00-x",
  ])("is invalid: %j", (text) => {
    expect(parseTraceparent(text)).toBeUndefined();
  });
});

describe("a message", () => {
  const message = createMessage({ topic: "a", data: 1 });

  it("gets the context of its request", () => {
    expect(withTraceparent([message], VALID)).toEqual([{ ...message, traceparent: VALID }]);
  });

  it("keeps a context of its own", () => {
    const own = `00-${TRACE}-${"1".repeat(16)}-01`;
    const traced = createMessage({ topic: "a", data: 1, traceparent: own });
    expect(withTraceparent([traced], VALID)[0]?.traceparent).toBe(own);
  });

  it("stays the same object without a context", () => {
    const messages = [message];
    expect(withTraceparent(messages, undefined)).toBe(messages);
    expect(Object.keys(message)).not.toContain("traceparent");
  });

  it("has no context if its own is invalid", () => {
    expect(createMessage({ topic: "a", data: 1, traceparent: "x" }).traceparent).toBeUndefined();
  });
});
