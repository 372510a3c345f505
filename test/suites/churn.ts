import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { within } from "../support/deadline.ts";
import type { RuntimeUnderTest } from "../support/runtimes.ts";

const program = fileURLToPath(new URL("../support/churn.ts", import.meta.url));

/** A leaked client keeps its stream, sink and timers: 10 KB or more. */
const MOST_BYTES_PER_CYCLE = 1000;

export function churnSuite({ name, script }: RuntimeUnderTest): void {
  describe(`churn on ${name}`, () => {
    it("5,000 clients that connect, subscribe and are killed leave no memory or timers behind", async () => {
      const [command, ...args] = script?.() ?? [""];
      const child = spawn(command, [...args, program], { stdio: ["ignore", "pipe", "inherit"] });
      const output = await within(text(child.stdout), 120_000, "the churn ends");
      const left = JSON.parse(output);
      console.log(`${name}: ${output.trim()}`);
      expect(left).toMatchObject({ clients: 0, subscriptions: 0, topics: 0, timers: 0 });
      expect(left.disconnected).toBe(6000);
      expect(left.heapGrowthPerCycle).toBeLessThan(MOST_BYTES_PER_CYCLE);
    }, 130_000);
  });
}
