import { describe, expect, it } from "vitest";
import { createServer } from "../../src/api/server.ts";
import { eventually } from "../support/deadline.ts";

const KEY = "a-key-for-bodies";
const SIZE = 1000;

describe("bodies on their way", () => {
  it("take only so much room for one network, and give it back", async () => {
    const { app } = createServer({
      adminKey: KEY,
      maxBodyBytes: SIZE,
      trustedProxyHeader: "X-Real-IP",
    });
    const ends: (() => void)[] = [];
    const send = (ip: string, headers: Record<string, string> = {}, path = "") => {
      const body = new ReadableStream({
        start(controller) {
          ends.push(() => controller.close());
        },
      });
      const init = {
        ...{ method: "POST", body, duplex: "half" },
        headers: { "X-Real-IP": ip, "Content-Type": "application/json", ...headers },
      };
      return app.request(`/api/realtime${path}`, init);
    };
    const length = { "Content-Length": String(SIZE) };
    const waiting = Array.from({ length: 16 }, () => send("192.0.2.1", length));
    await eventually(() => ends.length === 16, "they are read");
    const refused = await send("192.0.2.1", length);
    expect([refused.status, refused.headers.get("Retry-After")]).toEqual([429, "1"]);
    // Nor one that does not say how long it is; others may.
    expect((await send("192.0.2.1")).status).toBe(429);
    const others = [
      send("192.0.2.2", length),
      send("192.0.2.1", { Authorization: `Bearer ${KEY}`, ...length }, "/messages"),
    ];
    for (const end of ends) end();
    // They are empty, and so no JSON.
    const statuses = (await Promise.all([...waiting, ...others])).map(({ status }) => status);
    expect(new Set(statuses)).toEqual(new Set([400]));
    const again = send("192.0.2.1", length);
    ends.at(-1)?.();
    expect((await again).status).toBe(400);
  });
});
