import { Hono } from "hono";
import { describe, expect, it } from "vitest";
import { chunkedResponse } from "../../../src/api/chunked-response.ts";
import { pause } from "../../support/deadline.ts";

const PART = "x".repeat(1000);

/** An app that responds with `count` parts, and the number of parts made so far. */
function world(count: number, timeout: number) {
  let made = 0;
  function* parts() {
    for (; made < count; made++) yield PART;
  }
  const app = new Hono();
  app.get("/", (c) => chunkedResponse(c, parts(), timeout));
  return { app, made: () => made };
}

describe("a long response", () => {
  it("is complete for a client that reads it, at any pace", async () => {
    for (const count of [0, 1, 65, 66, 67, 1000]) {
      const { app } = world(count, 50);
      expect(await (await app.request("/")).text()).toBe(PART.repeat(count));
    }
    // The whole response takes longer than one chunk may take.
    const { app } = world(200, 1000);
    let length = 0;
    const reader = (await app.request("/")).body?.getReader();
    for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) {
      length += part.value.length;
      await pause(400);
    }
    expect(length).toBe(200 * PART.length);
  });

  it("is made only as far as it is read, and aborted when the client stops reading", async () => {
    const { app, made } = world(1000, 50);
    const reader = (await app.request("/")).body?.getReader();
    expect(made()).toBeLessThan(70);
    await reader?.read();
    expect(made()).toBeLessThan(140);
    const cut = reader?.closed.then(
      () => "closed",
      (error: Error) => error.message,
    );
    expect(await cut).toBe("The client did not read the response in time.");
  });

  it("is abandoned when its reader leaves, and a HEAD request makes one chunk", async () => {
    const { app, made } = world(1000, 20);
    const reader = (await app.request("/")).body?.getReader();
    await reader?.read();
    await reader?.cancel();
    await pause(50);
    expect(made()).toBeLessThan(140);
    expect((await app.request("/", { method: "HEAD" })).body).toBe(null);
    await pause(50);
    expect(made()).toBeLessThan(210);
  });
});
