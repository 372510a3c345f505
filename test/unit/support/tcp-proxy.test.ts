import { type AddressInfo, connect, createServer } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { closeClients } from "../../support/clients.ts";
import { eventually, within } from "../../support/deadline.ts";
import { seededRandom } from "../../support/random.ts";
import { startProxy, type TCPProxy } from "../../support/tcp-proxy.ts";

const SENT = Buffer.from(Array.from({ length: 300_000 }, (_, index) => index % 251));

describe("the TCP proxy of the chaos test", () => {
  let target = "";
  const source = createServer((socket) => {
    socket.on("error", () => {}).write(SENT);
  });
  beforeAll(async () => {
    await new Promise<void>((resolve) => source.listen(0, "127.0.0.1", resolve));
    target = `http://127.0.0.1:${(source.address() as AddressInfo).port}`;
  });
  afterAll(() => {
    closeClients();
    source.close();
  });

  /** Everything that comes through until the connection is gone. */
  function readAll(proxy: TCPProxy): Promise<Buffer> {
    const chunks: Buffer[] = [];
    const socket = connect(Number(new URL(proxy.url).port), "127.0.0.1");
    socket.on("data", (chunk) => chunks.push(chunk)).on("error", () => {});
    const closed = new Promise<Buffer>((resolve) => {
      socket.on("close", () => resolve(Buffer.concat(chunks)));
    });
    return within(closed, 10_000, "the connection is cut");
  }

  it.each([
    // A reset may overtake what its reader has not made room for; less than this has room at once.
    ["ended", 0, [0, 1, 2, 17, 1000, 65_537, 100_001, 250_000, 300_000]],
    ["reset", 1, [0, 1, 2, 17, 1000, 8191, 16_384]],
  ])(
    "lets exactly as many bytes through as a connection may have, then it is %s",
    async (_, resets, sizes) => {
      const left = [...sizes];
      const budget = () => left.shift();
      const proxy = await startProxy({ target, random: seededRandom(1), budget, resets });
      for (const bytes of sizes) {
        const got = await readAll(proxy);
        expect(got.length).toBe(bytes);
        expect(got.equals(SENT.subarray(0, bytes))).toBe(true);
      }
      expect(proxy.kills).toEqual({ random: 0, budget: sizes.length });
      await proxy.close();
    },
  );

  it("cuts as many live connections as it is told to", async () => {
    const proxy = await startProxy({ target, random: seededRandom(2) });
    const ends = Array.from({ length: 5 }, () => readAll(proxy));
    await eventually(() => proxy.live === 5, "five are open");
    expect(proxy.cutRandom(3)).toBe(3);
    await eventually(() => proxy.live === 2, "two are left");
    expect(proxy.cutRandom(100)).toBe(2);
    await Promise.all(ends);
    expect(proxy.kills).toEqual({ random: 5, budget: 0 });
    await proxy.close();
  });

  it("forgets budgets when they are turned off", async () => {
    const proxy = await startProxy({ target, random: seededRandom(3), budget: () => 10 });
    proxy.useBudgets(false);
    let got = 0;
    const socket = connect(Number(new URL(proxy.url).port), "127.0.0.1");
    socket
      .on("error", () => {})
      .on("data", ({ length }) => {
        got += length;
      });
    await eventually(() => got === SENT.length, "everything comes");
    expect(proxy.kills.budget).toBe(0);
    await proxy.close();
  });
});
