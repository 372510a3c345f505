import { describe, expect, it } from "vitest";
import { call } from "../../support/api.ts";
import type { RuntimeUnderTest } from "../../support/service.ts";
import { openStream } from "../../support/sse-client.ts";
import { tokenFor } from "../../support/tokens.ts";
import { ADMIN, accessWorld, ORIGIN } from "./context.ts";

/** Requests that pages of other sites can make a browser send, and the rights to administer. */
export function browserTests(runtime: RuntimeUnderTest): void {
  describe("pages of other origins", () => {
    const listing = accessWorld(runtime, { REALTIME_ORIGINS: ORIGIN, REALTIME_COOKIE: "session" });
    const open = accessWorld(runtime, { REALTIME_COOKIE: "session" });
    const development = accessWorld(runtime, { REALTIME_ADMIN_KEY: "pocketwire-development-key" });
    const allowed = ({ headers }: { readonly headers: { get(name: string): string | null } }) => [
      headers.get("access-control-allow-origin"),
      headers.get("access-control-allow-credentials"),
    ];

    it("may use the service and send cookies only when their origin is listed", async () => {
      const preflight = (origin: string) =>
        call(listing.url, "/api/realtime", {
          method: "OPTIONS",
          headers: {
            Origin: origin,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization,content-type",
          },
        });
      const answer = await preflight(ORIGIN);
      expect(answer.status).toBe(204);
      expect(allowed(answer)).toEqual([ORIGIN, "true"]);
      expect(answer.headers.get("access-control-allow-headers")).toMatch(/authorization/i);
      expect(answer.headers.get("vary")).toMatch(/origin/i);
      const stream = await openStream(listing.url, { headers: { Origin: ORIGIN } });
      expect(allowed(stream.response)).toEqual([ORIGIN, "true"]);
      for (const origin of [
        "https://evil.example",
        `${ORIGIN}.evil.example`,
        "null",
        "http://app.example.com",
      ]) {
        expect(allowed(await preflight(origin)), origin).toEqual([null, null]);
        const answer = await listing.get("/api/health", { Origin: origin });
        expect(allowed(answer), origin).toEqual([null, null]);
      }
    });

    it("may all use the service without cookies when no origin is listed", async () => {
      const answer = await open.get("/api/health", { Origin: "https://any.example" });
      expect(allowed(answer)).toEqual(["*", null]);
    });

    it("can't subscribe with a user's cookie, whichever headers they omit", async () => {
      const token = await tokenFor("anna", { subscribe: ["*"], publish: ["*"] });
      const Cookie = `session=${token}`;
      for (const world of [listing, open]) {
        for (const headers of [
          { Cookie },
          { Cookie, Origin: "https://evil.example" },
          { Cookie, Origin: "null" },
          { Cookie, Origin: `${world.url}.evil.example` },
          { Cookie, "Sec-Fetch-Site": "cross-site" },
          { Cookie, "Sec-Fetch-Site": "same-site" },
          { Cookie, "Sec-Fetch-Site": "none" },
          { Cookie, Origin: "https://evil.example", "Sec-Fetch-Site": "same-origin" },
        ]) {
          const message = { topic: "a", data: 1 };
          const answers = [
            await world.get("/api/realtime?topic=a", headers),
            await world.get("/api/realtime/messages?topic=a", headers),
            await world.post("/api/realtime/messages", message, headers),
          ];
          const statuses = answers.map(({ status }) => status);
          expect([headers, statuses]).toEqual([headers, [403, 403, 403]]);
        }
      }
    });

    it("are rejected, and not treated as guests, when their cookie is malformed or sent twice", async () => {
      const token = await tokenFor("anna");
      const ask = async (Cookie: string) =>
        (
          await open.get("/api/realtime/messages?topic=a", {
            Cookie,
            "Sec-Fetch-Site": "same-origin",
          })
        ).status;
      for (const good of [`session=${token}`, `session="${token}"`, `a=b; session=${token} ; c`]) {
        expect([good, await ask(good)]).toEqual([good, 200]);
      }
      for (const none of [
        "session=",
        "sessions=x",
        "session",
        "other=session",
        `Session=${token}`,
      ]) {
        expect([none, await ask(none)]).toEqual([none, 200]);
      }
      for (const bad of [
        `session="${token}`,
        'session="abc',
        `session=${token}"`,
        `session=${token},x`,
        `session=${token} x`,
        `session=${token}\\`,
        "session=%",
        `session =${token}; session=x`,
        `session=${token}; session=${token}`,
        `session=; session=${token}`,
        `session=${token}; a=b; session=x`,
      ]) {
        expect([bad, await ask(bad)]).toEqual([bad, 401]);
      }
    });

    it("may use the published development key only from this machine", async () => {
      const key = { Authorization: "Bearer pocketwire-development-key" };
      const message = { topic: "a", data: 1 };
      const publish = async (headers: Readonly<Record<string, string>>) =>
        (await development.post("/api/realtime/messages", message, { ...key, ...headers })).status;
      const { port } = new URL(development.url);
      for (const own of [
        {},
        { Origin: development.url },
        { Origin: `http://localhost:${port}` },
        { Origin: "http://localhost:5173" },
        { Origin: "https://app.localhost" },
        { Origin: "http://[::1]:3000" },
      ]) {
        expect([own, await publish(own)]).toEqual([own, 200]);
      }
      for (const Origin of [
        "https://evil.example",
        "null",
        "http://localhost.evil.example",
        "http://127.0.0.1.evil.example",
        "https://evil.example:8090",
      ]) {
        expect([Origin, await publish({ Origin })]).toEqual([Origin, 403]);
        const stats = await development.get("/api/realtime/stats", { ...key, Origin });
        expect([Origin, stats.status]).toEqual([Origin, 403]);
      }
      // A key that is not the published one may be used from every origin in REALTIME_ORIGINS.
      const elsewhere = { ...ADMIN, Origin: "https://any.example" };
      expect((await open.get("/api/realtime/stats", elsewhere)).status).toBe(200);
    });

    it("can't make a browser interpret a response as another content type", async () => {
      const stream = await openStream(open.url);
      expect(stream.response.headers.get("x-content-type-options")).toBe("nosniff");
      for (const path of ["/api/health", "/api/realtime/messages?topic=a", "/nothing"]) {
        const { headers } = await open.get(path);
        expect([path, headers.get("x-content-type-options")]).toEqual([path, "nosniff"]);
      }
    });
  });

  describe("administration", () => {
    const world = accessWorld(runtime);

    it("lists clients and topics, shows one client, and disconnects it", async () => {
      const token = await tokenFor("anna", { subscribe: ["a"] });
      const headers = { Authorization: token };
      const anna = await openStream(world.url, { headers }, "?topic=a&topic=b/*");
      const guest = await openStream(world.url, {}, "?topic=a");
      const { body: list } = await world.get("/api/realtime/clients?limit=1", ADMIN);
      expect(list.clients).toHaveLength(1);
      const { body: rest } = await world.get(`/api/realtime/clients?after=${list.next}`, ADMIN);
      const ids = [...list.clients, ...rest.clients].map(({ clientId }) => clientId);
      expect(ids.toSorted()).toEqual([anna.clientId, guest.clientId].toSorted());
      const { body: topics } = await world.get("/api/realtime/topics", ADMIN);
      const a = { topic: "a", subscriptions: 2 };
      expect(topics).toEqual({ topics: [a, { topic: "b/*", subscriptions: 1 }] });
      const path = `/api/realtime/clients/${anna.clientId}`;
      const { body: client } = await world.get(path, ADMIN);
      expect(client).toMatchObject({
        identity: "anna",
        rights: ["a"],
        subscriptions: ["a", "b/*"],
      });
      const end = () => call(world.url, path, { method: "DELETE", headers: ADMIN });
      expect((await end()).status).toBe(204);
      expect(await anna.ended).toBe("end");
      expect((await end()).status).toBe(404);
      expect((await world.get(path, ADMIN)).status).toBe(404);
      const revoke = (body: unknown) => world.post("/api/realtime/revoke", body, ADMIN);
      expect((await revoke({ clientId: guest.clientId })).body).toEqual({ disconnected: 1 });
      expect(await guest.ended).toBe("end");
      for (const body of [
        {},
        { subject: "" },
        { subject: 1 },
        { subject: "a", clientId: "b" },
        [],
      ]) {
        const answer = await revoke(body);
        expect([body, answer.status]).toEqual([body, 400]);
      }
      for (const query of ["?limit=0", "?limit=1001", "?limit=x", `?after=${"x".repeat(10_001)}`]) {
        const { status } = await world.get(`/api/realtime/clients${query}`, ADMIN);
        expect([query.slice(0, 20), status]).toEqual([query.slice(0, 20), 400]);
      }
    });

    it("needs the admin key, and is closed when no admin key is set", async () => {
      const token = await tokenFor("anna", { subscribe: ["*"], publish: ["*"] });
      const requests: [method: string, path: string][] = [
        ["GET", "/api/realtime/clients"],
        ["GET", "/api/realtime/clients/0-x"],
        ["DELETE", "/api/realtime/clients/0-x"],
        ["GET", "/api/realtime/topics"],
        ["GET", "/api/realtime/stats"],
        ["POST", "/api/realtime/revoke"],
      ];
      for (const [method, path] of requests) {
        const ask = async (headers: Readonly<Record<string, string>>) =>
          (await call(world.url, path, { method, headers })).status;
        expect([path, await ask({})]).toEqual([path, 401]);
        expect([path, await ask({ Authorization: `Bearer ${token}` })]).toEqual([path, 403]);
      }
    });
  });
}
