import { describe, expect, it } from "vitest";
import type { LogFields } from "../../../../src/realtime/types.ts";
import {
  createBusHandler,
  type ProcessCalls,
} from "../../../../src/registry/cluster/process-calls.ts";

describe("a call of another process", () => {
  // No call is made, so none is needed.
  const calls = {} as ProcessCalls;

  it.each(["aCallOfALaterVersion", "constructor", "__proto__"])(
    "that this version does not know is answered with unreachable, and logged: %s",
    async (method) => {
      const lines: [string, LogFields | undefined][] = [];
      const log = (message: string, fields?: LogFields) => void lines.push([message, fields]);
      const logger = { debug: log, info: log, warn: log, error: log };
      const answer = await createBusHandler(calls, logger)({ method, args: [] });
      expect(answer).toMatchObject({ ok: false, code: "unreachable" });
      expect(lines).toEqual([
        [
          "a call of another process has failed",
          { method, error: `Error: There is no call ${method}.` },
        ],
      ]);
    },
  );
});
