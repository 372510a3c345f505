import { Hono } from "hono";
import { describe, expect, it } from "vitest";
import { createServer } from "../../../../src/api/server.ts";

const { app } = createServer({ console: true, maxBatch: 77 });

/** A page, and the nonce of its Content-Security-Policy. */
async function read(path: string) {
  const answer = await app.request(path);
  const policy = answer.headers.get("content-security-policy") ?? "";
  const nonces = [...policy.matchAll(/'nonce-([\w-]+)'/g)].map(([, nonce]) => nonce);
  return { answer, policy, nonces, html: await answer.text() };
}

describe.each(["/", "/api/docs"])("the page at %s", (path) => {
  it("has the nonce of its Content-Security-Policy in its script and its style", async () => {
    const { answer, policy, nonces, html } = await read(path);
    expect([answer.status, answer.headers.get("content-type")]).toEqual([
      200,
      "text/html; charset=UTF-8",
    ]);
    expect(policy).toMatch(/^default-src 'none'; script-src 'nonce-[\w-]+'; style-src 'nonce-/);
    expect(new Set(nonces).size).toBe(1);
    for (const tag of ["script", "style"]) {
      expect(html.split(`<${tag} nonce="${nonces[0]}">`)).toHaveLength(2);
    }
    expect(html).not.toContain("{{");
  });

  it("has another nonce in each response, and is not cached", async () => {
    const first = await read(path);
    const second = await read(path);
    expect(first.nonces).not.toEqual(second.nonces);
    expect(first.html.replaceAll(first.nonces[0] ?? "", "")).toBe(
      second.html.replaceAll(second.nonces[0] ?? "", ""),
    );
    expect(first.answer.headers.get("cache-control")).toBe("no-store");
  });
});

describe("the console", () => {
  it("names no other host, so that it works without internet access", async () => {
    const { html } = await read("/");
    const hosts = [...html.matchAll(/https?:\/\/[\w.]+/g)].map(([address]) => address);
    // The name of a namespace is an identifier, and not fetched.
    expect(new Set(hosts)).toEqual(new Set(["http://www.w3.org"]));
  });
});

describe("the page of the HTTP API", () => {
  it("contains the OpenAPI document of this service, without a character that ends its element", async () => {
    const { html } = await read("/api/docs");
    const json = /<script type="application\/json" id="document">([^<]*)<\/script>/.exec(html)?.[1];
    const { servers: _, ...document } = await (await app.request("/api/openapi.json")).json();
    expect(JSON.parse(json ?? "")).toEqual(document);
    expect(json).toContain('"maxItems":77');
  });

  it("is there also if the document itself is not served", async () => {
    const host = new Hono();
    host.route("/live", createServer({ console: true, openapi: false }).app);
    expect((await host.request("/live/api/openapi.json")).status).toBe(404);
    const page = await (await host.request("/live/api/docs")).text();
    expect(page).toContain('"/api/realtime/messages"');
  });
});
