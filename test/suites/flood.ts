import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { within } from "../support/deadline.ts";
import type { RuntimeUnderTest } from "../support/runtimes.ts";

const program = fileURLToPath(new URL("../support/flood.ts", import.meta.url));

/** Growth from 100,000 to 1,000,000 messages. A leak of two bytes a message exceeds this limit. */
const MOST_GROWTH = 1_000_000;

export function floodSuite({ name, script }: RuntimeUnderTest): void {
  describe(`a million messages on ${name}`, () => {
    it("leave no more in memory than a hundred thousand: the history and the remembered ids", async () => {
      const [command, ...args] = script?.() ?? [""];
      const child = spawn(command, [...args, program], { stdio: ["ignore", "pipe", "inherit"] });
      const output = await within(text(child.stdout), 120_000, "the flood ends");
      console.log(`${name}: ${output.trim()}`);
      const left = JSON.parse(output);
      expect(left).toMatchObject({ accepted: 1_000_000, delivered: 1_000_000, messages: 10_000 });
      expect(left).toMatchObject({ newestIsKnown: true, oldIsKnown: false });
      expect(left.growth).toBeLessThan(MOST_GROWTH);
    }, 130_000);
  });
}
