import { env } from "cloudflare:test";
import { Hono } from "hono";
import { describe, expect, it } from "vitest";
import { TEMPLATES } from "../../src/api/console/render.ts";
import { createServer } from "../../src/api/server.ts";
import { type Env, getRealtime } from "../../src/cloudflare.ts";

/** Static assets, as `wrangler` serves the files of dist/assets/. A file that is missing is `missing`. */
function assetsOf(files: Readonly<Record<string, string>>, missing: () => Response) {
  const found = new Map(Object.entries(files).map(([name, text]) => [`/${name}`, text]));
  return {
    fetch: async (url: string) => {
      const text = found.get(new URL(url).pathname);
      return text === undefined ? missing() : new Response(text);
    },
  };
}

const FILES = Object.fromEntries(
  Object.entries(TEMPLATES).map(([name, text]) => [`pocketwire-${name}.txt`, text]),
);
const notFound = () => new Response(null, { status: 404 });

/** An environment with another binding object for each test, because services are cached by the binding. */
function environment(own: object): Env {
  const { REALTIME_HUB } = env as unknown as Env;
  const binding = { get: REALTIME_HUB.get, idFromName: REALTIME_HUB.idFromName };
  return { REALTIME_HUB: binding, ...own } as unknown as Env;
}

describe("the OpenAPI document of a Worker", () => {
  it("is that of a process, with the limits and endpoints of the Worker", async () => {
    const options = { openapi: true, health: true, metrics: "admin", maxBatch: 7 } as const;
    const keys = { adminKey: "a-key-for-the-openapi-document" };
    const own = environment({ ASSETS: assetsOf(FILES, notFound) });
    const [ofWorker, ofProcess] = await Promise.all(
      [getRealtime(own, { ...options, ...keys }), createServer({ ...options, ...keys })].map(
        async ({ app }) => (await app.request("/api/openapi.json")).json(),
      ),
    );
    expect(ofWorker).toEqual(ofProcess);
    expect(JSON.stringify(ofWorker)).toContain('"maxItems":7');
    expect(JSON.stringify(ofWorker)).not.toContain("{{");
  });

  it("is refused without the binding, by an error that says what to do", () => {
    expect(() => getRealtime(environment({}), { openapi: true })).toThrow(
      "The OpenAPI document is on and the binding ASSETS is missing. Copy [assets] from Pocketwire's wrangler.toml to yours",
    );
    expect(() => getRealtime(environment({}), { openapi: false })).not.toThrow();
  });
});

describe("the console of a Worker", () => {
  it.each([{ REALTIME_CONSOLE: "true" }, {}])(
    "comes from the static assets, also under a base path: %j",
    async (variables) => {
      const own = environment({ ...variables, ASSETS: assetsOf(FILES, notFound) });
      const host = new Hono();
      host.route("/live", getRealtime(own, { console: true }).app);
      for (const [path, title] of [
        ["/live", "Pocketwire console"],
        ["/live/", "Pocketwire console"],
        ["/live/api/docs", "Pocketwire HTTP API"],
      ] as const) {
        const answer = await host.request(path);
        const policy = answer.headers.get("content-security-policy") ?? "";
        const nonce = /script-src 'nonce-([\w-]+)'/.exec(policy)?.[1];
        const page = await answer.text();
        expect([path, answer.status]).toEqual([path, 200]);
        expect(page).toContain(`<title>${title}</title>`);
        expect(page).toContain(`<script nonce="${nonce}">`);
        expect(page).not.toContain("{{");
      }
    },
  );

  it("is not there if nothing turns it on, with and without assets", async () => {
    for (const own of [{}, { ASSETS: assetsOf(FILES, notFound) }]) {
      const { app } = getRealtime(environment(own));
      for (const path of ["/", "/api/docs", "/pocketwire-console.txt"]) {
        expect([path, (await app.request(path)).status]).toEqual([path, 404]);
      }
    }
  });

  it("has the OpenAPI document of this service", async () => {
    const own = environment({ ASSETS: assetsOf(FILES, notFound) });
    const options = { console: true, maxBatch: 7, metrics: "open" } as const;
    const { app } = getRealtime(own, options);
    const page = await (await app.request("/api/docs")).text();
    const json = /<script type="application\/json" id="document">([^<]*)<\/script>/.exec(page)?.[1];
    const response = await createServer(options).app.request("/api/openapi.json");
    const { servers: _, ...document } = await response.json<Record<string, unknown>>();
    expect(JSON.parse(json ?? "")).toEqual(document);
  });

  it("is refused without the binding, by an error that says what to do", () => {
    const message =
      "The console is on and the binding ASSETS is missing. Copy [assets] from Pocketwire's wrangler.toml to yours";
    expect(() => getRealtime(environment({}), { console: true })).toThrow(message);
    expect(() => getRealtime(environment({ REALTIME_CONSOLE: "true" }))).toThrow(message);
    expect(() =>
      getRealtime(environment({ REALTIME_CONSOLE: "true" }), { console: false }),
    ).not.toThrow();
  });

  it.each([
    ["nothing at its address", notFound],
    ["the app's own page at every address", () => new Response("<h1>My app</h1>")],
  ])("logs which file to copy if the assets have %s", async (_, missing) => {
    const lines: string[] = [];
    const error = (msg: string, fields?: object) => lines.push(`${msg} ${JSON.stringify(fields)}`);
    const logger = { debug() {}, info() {}, warn() {}, error };
    const own = environment({ ASSETS: assetsOf({}, missing) });
    const answer = await getRealtime(own, { console: true, logger }).app.request("/");
    expect([answer.status, await answer.json()]).toMatchObject([500, { status: 500 }]);
    expect(lines).toEqual([
      expect.stringContaining("The static assets have no pocketwire-console.txt. Copy it from"),
    ]);
  });
});
