import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import type { ClientWorld } from "../../support/client-world.ts";
import { within } from "../../support/deadline.ts";

const SCRIPT = fileURLToPath(new URL("../../support/closing-client.ts", import.meta.url));

export function closingTests(world: ClientWorld): void {
  it("leaves no timer and no socket when it is closed: the process ends by itself", async () => {
    const child = spawn(process.execPath, ["--import", "tsx", SCRIPT, world.service.url], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        output += text;
      });
    }
    const exited = new Promise((resolve) => child.on("close", resolve));
    const code = await within(exited, 30_000, `the process ends: ${output}`).finally(() =>
      child.kill("SIGKILL"),
    );
    expect([code, output]).toEqual([0, "connecting connected closed\n"]);
  });
}
