import { connect } from "node:net";
import { describe, expect, it } from "vitest";
import { NO_BENCH, rowOf, runBench } from "../support/bench-run.ts";
import { within } from "../support/deadline.ts";
import { freePort } from "../support/free-port.mjs";

const SERVERS = ["--servers", "test/support/bench-servers.mjs", "--quick", "--clients", "5"];
const NUMBERS = /^\d+\.\d\d \(\d+\.\d\d to \d+\.\d\d\)$/;

const start = async (names: string, ...args: string[]) => {
  const port = await freePort();
  const run = runBench([...SERVERS, ...args], { BENCH_PORT: port, BENCH_TEST_SERVERS: names });
  return { port, ...run };
};

describe.skipIf(NO_BENCH !== undefined)(`npm run bench (${NO_BENCH ?? "two cores, g++"})`, () => {
  it("gives a server that can't keep up a row that says why, and measures the others", async () => {
    const names = "good,hangs,crashes,drops,refuses";
    const { ended } = await start(names, "--timeout", "3");
    const { status, stdout, stderr } = await within(ended, 110_000, "the end of the run");

    expect(status, stderr).toBe(0);
    const cells = (name: string) => rowOf(stdout, `The server that is ${name}`);
    for (const column of [1, 3]) {
      expect(cells("good")[column]).toMatch(NUMBERS);
      expect(cells("hangs")[column]).toBe("opened 0 of 5 streams in 3 s (connecting)");
      expect(cells("crashes")[column]).toMatch(/^the server exited with 7; .*received 0 of 150/);
      expect(cells("refuses")[column]).toMatch(/^refused a message: HTTP\/1.1 403 Forbidden/);
    }
    // One at a time, 4 of 5 clients get the first of 30 messages. The other messages wait for the fifth client.
    expect(cells("drops")[1]).toBe("timed out after 3 s (warm-up), received 4 of 150");
    expect(cells("drops")[3]).toBe("timed out after 3 s (warm-up), received 64 of 150");
    expect(stdout).toContain("- drops, 16 in flight, round 1: timed out after 3 s (warm-up)");
  }, 120_000);

  it("prints the table of what was measured so far on Ctrl-C, and stops the server", async () => {
    const { child, ended, printed, port } = await start("good,hangs", "--timeout", "600");
    await within(printed("round 1 of 1, good, one at a time"), 50_000, "the first row");
    child.kill("SIGINT");
    const { status, stdout } = await within(ended, 10_000, "the end after SIGINT");

    expect(status).toBe(130);
    expect(rowOf(stdout, "The server that is good")[1]).toMatch(NUMBERS);
    expect(rowOf(stdout, "The server that is hangs")).toEqual([]);
    await expect(isOpen(Number(port))).resolves.toBe(false);
  });

  it.each([
    [["--rounds", "0"], '--rounds: "0" is not a whole number of 1 or more.'],
    [["--only", "nginx"], '--only: no server is named "nginx". Use: floor, pocketwire-node,'],
    [["--only", "mercure"], '"mercure" is not installed (set BENCH_MERCURE to the path of its'],
  ])("refuses %j", async (args, message) => {
    const { ended } = runBench(args, { BENCH_MERCURE: "" });
    const { status, stderr } = await within(ended, 20_000, "the end of the run");

    expect(status).toBe(1);
    expect(stderr).toContain(message);
  });
});

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("error", () => resolve(false)).once("connect", () => resolve(true));
    socket.once("connect", () => socket.destroy());
  });
}
