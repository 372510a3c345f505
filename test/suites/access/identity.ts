import { describe, expect, it } from "vitest";
import { ADMIN_KEY, publish, readStats } from "../../support/api.ts";
import { eventually, pause } from "../../support/deadline.ts";
import { openRaw } from "../../support/raw-client.ts";
import type { RuntimeUnderTest } from "../../support/service.ts";
import { openStream } from "../../support/sse-client.ts";
import { bearer, inSeconds, signToken, tokenFor } from "../../support/tokens.ts";
import { ADMIN, accessWorld, type Headers, ORIGIN } from "./context.ts";

/** The identity that a request's credential gives it. */
export function identityTests(runtime: RuntimeUnderTest): void {
  describe("a token", () => {
    const world = accessWorld(runtime, {
      REALTIME_COOKIE: "session",
      REALTIME_ORIGINS: ORIGIN,
      REALTIME_JWT_SKEW_SECONDS: "0",
      REALTIME_AUTH_GRACE_SECONDS: "1",
    });

    it("gets private messages on its stream, and a guest's stream gets none", async () => {
      const token = await tokenFor("anna", { subscribe: ["room/1"] });
      const anna = await openStream(world.url, { headers: bearer(token) }, "?topic=room/*");
      const guest = await openStream(world.url, {}, "?topic=room/*");
      await world.publish(
        { topic: "room/1", data: "for anna", private: true },
        { topic: "room/2", data: "for bert", private: true },
        { topic: "room/3", data: "for all" },
      );
      expect(await world.heard(anna, "room/*")).toEqual(["for anna", "for all"]);
      expect(await world.heard(guest, "room/*")).toEqual(["for all"]);
    });

    it("is read from Authorization, with or without a scheme, and from a cookie of a listed origin", async () => {
      const token = await tokenFor("anna", { subscribe: ["places"] });
      const cookie = `theme=dark; session=${token}`;
      const ways: Headers[] = [
        { Authorization: `Bearer ${token}` },
        { Authorization: `bearer ${token}` },
        { Authorization: token },
        { Cookie: cookie, Origin: ORIGIN },
        { Cookie: cookie, Origin: world.url },
        { Cookie: cookie, "Sec-Fetch-Site": "same-origin" },
        // The Authorization header takes precedence over the cookie, which the browser sends by itself.
        { Cookie: "session=broken", Authorization: token },
      ];
      for (const headers of ways) {
        const client = await openStream(world.url, { headers }, "?topic=places");
        await world.publish({ topic: "places", data: "private", private: true });
        expect(await world.heard(client, "places"), JSON.stringify(headers)).toEqual(["private"]);
        client.close();
      }
    });

    it("that is the admin key is accepted in Authorization only", async () => {
      const headers = { Cookie: `session=${ADMIN_KEY}`, "Sec-Fetch-Site": "same-origin" };
      expect((await world.get("/api/realtime/stats", ADMIN)).status).toBe(200);
      expect((await world.get("/api/realtime/stats", headers)).status).toBe(401);
    });

    it("that expires while the body is being received publishes nothing", async () => {
      const token = await tokenFor("anna", { publish: ["*"] }, { exp: inSeconds(2) });
      const text = '{"topic":"late","data":1}';
      const { socket, waitFor } = await openRaw(world.url, {
        method: "POST",
        query: "/messages",
        headers: {
          ...bearer(token),
          "Content-Type": "application/json",
          "Content-Length": String(text.length),
        },
      });
      socket.write(text.slice(0, 10));
      await pause(2500);
      socket.write(text.slice(10));
      await waitFor(/^HTTP\/1\.1 401 /, "the refusal");
    });

    it("may carry a record of up to 8,192 bytes, which no list of clients shows", async () => {
      const headersFor = async (bio: string) =>
        bearer(await tokenFor("anna", {}, { record: { id: "r1", bio } }));
      // With `{"id":"r1","bio":""}`, 8,192 bytes. Each character takes six characters in a URI-encoded header.
      const headers = await headersFor("ü".repeat(4086));
      const client = await openStream(world.url, { headers }, "?topic=record");
      expect((await world.subscribe(client.clientId, ["record"], headers)).status).toBe(204);
      await world.publish({ topic: "record", data: 1 });
      expect(await world.heard(client, "record")).toEqual([1]);
      const shown = await world.get(`/api/realtime/clients/${client.clientId}`, ADMIN);
      expect([shown.status, shown.body.identity]).toEqual([200, "anna"]);
      expect(JSON.stringify(shown.body)).not.toContain("ü");
      const tooLarge = await headersFor("ü".repeat(4087));
      const answer = await world.subscribe(client.clientId, ["record"], tooLarge);
      expect(answer.status).toBe(401);
      expect(answer.body.message).toContain("record has 8194 bytes as JSON, and at most 8192");
    });

    it("that was issued in the future is refused", async () => {
      const claims = [{ iat: inSeconds(60) }, { iat: Date.now() }];
      for (const claim of claims) {
        const token = bearer(await tokenFor("anna", { publish: ["*"] }, claim));
        const answer = await world.post("/api/realtime/messages", { topic: "a", data: 1 }, token);
        expect([answer.status, answer.body.message]).toEqual([401, expect.stringContaining("iat")]);
      }
    });

    it("in the URL is refused, and the error says how to send it", async () => {
      const token = await tokenFor("anna");
      const answer = await world.get(`/api/realtime?topic=a&token=${token}`);
      expect(answer.status).toBe(400);
      expect(answer.body.data.token.code).toBe("validation_not_allowed");
      expect(answer.body.message).toContain("queryToken");
    });

    it("that has expired subscribes a guest's stream as a guest, which receives PB_AUTH_EXPIRED, and is refused for a user's stream", async () => {
      const realtime = { subscribe: ["*"] };
      const ended = bearer(await tokenFor("anna", realtime, { exp: inSeconds(-10) }));
      const guest = await openStream(world.url);
      expect((await world.subscribe(guest.clientId, ["ended"], ended)).status).toBe(204);
      await world.publish({ topic: "ended", data: 1, private: true }, { topic: "ended", data: 2 });
      expect(await world.heard(guest, "ended")).toEqual([{}, 2]);
      expect(guest.events[0]?.event).toBe("PB_AUTH_EXPIRED");
      const anna = await openStream(world.url, { headers: bearer(await tokenFor("anna")) });
      expect((await world.subscribe(anna.clientId, ["ended"], ended)).status).toBe(401);
      // An invalid token that has not expired is rejected. The request is not downgraded to a guest's.
      const foreign = await signToken({}, { key: "x".repeat(32) });
      expect((await world.subscribe(guest.clientId, ["ended"], bearer(foreign))).status).toBe(401);
    });

    it("that is invalid is refused by every other route, and never treated as missing", async () => {
      const expired = bearer(await tokenFor("anna", {}, { exp: inSeconds(-10) }));
      const { clientId } = await openStream(world.url, { headers: bearer(await tokenFor("anna")) });
      const message = { topic: "a", data: 1 };
      for (const headers of [
        expired,
        { Authorization: "nonsense" },
        { Authorization: "Basic eDp5" },
        // A cookie with decoded text that is not allowed in a header is refused.
        { Cookie: "session=not%0Aone", "Sec-Fetch-Site": "same-origin" },
        { Cookie: "session=%7B%22name%22%3A%22%C3%A4%22%7D", "Sec-Fetch-Site": "same-origin" },
      ]) {
        const answers = [
          await world.get("/api/realtime?topic=a", headers),
          await world.get("/api/realtime/messages?topic=a", headers),
          await world.subscribe(clientId, ["a"], headers),
          await world.post("/api/realtime/messages", message, headers),
          await world.get("/api/realtime/stats", headers),
        ];
        for (const { status, body, headers } of answers) {
          expect(body).toEqual({ status: 401, message: expect.any(String), data: {} });
          expect(status).toBe(401);
          expect(headers.get("www-authenticate")).toBe('Bearer realm="pocketwire"');
        }
      }
    });

    it("signs a guest in by POST, and can't change an identity in any other way", async () => {
      const anna = bearer(await tokenFor("anna", { subscribe: ["sign-in"] }));
      const bert = bearer(await tokenFor("bert", { subscribe: ["*"] }));
      const client = await openStream(world.url, {}, "?topic=sign-in");
      await world.publish({ topic: "sign-in", data: 1, private: true });
      expect((await world.subscribe(client.clientId, ["sign-in"], anna)).status).toBe(204);
      await world.publish({ topic: "sign-in", data: 2, private: true });
      for (const headers of [bert, {}]) {
        const answer = await world.subscribe(client.clientId, ["*"], headers);
        expect(answer.status).toBe(403);
        expect(answer.body.data).toEqual({});
      }
      await world.publish({ topic: "sign-in", data: 3, private: true });
      expect(await world.heard(client, "sign-in")).toEqual([2, 3]);
    });

    it("can read and resume only topics that it has a right to", async () => {
      const anna = bearer(await tokenFor("anna", { subscribe: ["past/1"] }));
      const { clientId } = await openStream(world.url);
      await world.publish(
        { topic: "past/1", data: 1, private: true },
        { topic: "past/2", data: 2, private: true },
        { topic: "past/3", data: 3 },
      );
      const read = async (headers?: Headers) => {
        const { body } = await world.get("/api/realtime/messages?topic=past/*", headers);
        return body.messages.map(({ data }: { data: unknown }) => data);
      };
      expect(await read(anna)).toEqual([1, 3]);
      expect(await read()).toEqual([3]);
      expect(await read(ADMIN)).toEqual([1, 2, 3]);
      for (const query of [`?topic=past/*&lastEventId=${clientId}`, "?topic=past/*&last=9"]) {
        const client = await openStream(world.url, { headers: anna }, query);
        const guest = await openStream(world.url, {}, query);
        const numbers = (all: readonly unknown[]) => all.filter((one) => typeof one === "number");
        expect(numbers(await world.heard(client, "past/*"))).toEqual([1, 3]);
        expect(numbers(await world.heard(guest, "past/*"))).toEqual([3]);
      }
    });

    it("can publish only to topics that it has a right to, with message ids scoped to its user", async () => {
      const realtime = { publish: ["wall/*", "posts", "posts/*"] };
      const anna = bearer(await tokenFor("anna", realtime));
      const post = (message: unknown) => world.post("/api/realtime/messages", message, anna);
      const client = await openStream(world.url, {}, "?topic=wall/*&topic=posts/*");
      const answer = await post({ topic: "wall/1", data: "from anna", id: "m1" });
      expect([answer.status, answer.body]).toEqual([200, { id: "m1" }]);
      expect((await post({ topic: "wall/1", data: "from anna", id: "m1" })).status).toBe(200);
      expect((await post({ topic: "wall/1", data: "again", id: "m1" })).status).toBe(409);
      // Message ids are scoped to the user.
      await world.publish({ topic: "wall/1", data: "from the backend", id: "m1" });
      const record = { collection: "posts", action: "create", record: { id: "r1" } };
      expect((await post(record)).status).toBe(200);
      const foreign = [
        { topic: "wall", data: 1 },
        { topic: "news", data: 1 },
        { topic: "*", data: 1 },
        [
          { topic: "wall/1", data: 1 },
          { topic: "news", data: 1 },
        ],
        { ...record, collection: "users" },
        { ...record, record: { id: "r1", collectionName: "users" } },
        { ...record, record: { id: "r1", collectionId: "pbc_2" } },
      ];
      for (const publish of [
        post,
        (message: unknown) => world.post("/api/realtime/messages", message, ADMIN),
      ]) {
        // A tab separates the user from the message id.
        expect((await publish({ topic: "wall/1", data: 1, id: "a\tb" })).status).toBe(400);
      }
      for (const message of foreign) {
        const { status, body } = await post(message);
        expect([message, status, body.data]).toEqual([message, 403, {}]);
      }
      const { body } = await world.get("/api/realtime/messages?topic=wall/1");
      expect(body.messages.map(({ id }: { id: string }) => id)).toEqual(["m1", "m1"]);
      const { record: data, action } = record;
      expect(await world.heard(client, "wall/*")).toEqual([
        ...["from anna", "from the backend"],
        { action, record: data },
      ]);
      const bert = bearer(await tokenFor("bert", { subscribe: ["*"] }));
      const message = { topic: "wall/1", data: 1 };
      expect((await world.post("/api/realtime/messages", message, bert)).status).toBe(403);
      expect((await world.post("/api/realtime/messages", message)).status).toBe(401);
    });

    it("that expires loses its rights at once, causes PB_AUTH_EXPIRED, and its stream ends after the grace", async () => {
      const exp = inSeconds(2);
      const token = await tokenFor("anna", { subscribe: ["*"] }, { exp });
      const client = await openStream(world.url, { headers: bearer(token) }, "?topic=end");
      const before = (await readStats(world.url)).disconnects.expired ?? 0;
      await world.publish({ topic: "end", data: 1, private: true });
      const expiryNotice = () => client.events.find(({ event }) => event === "PB_AUTH_EXPIRED");
      const notice = await eventually(expiryNotice, "the client receives PB_AUTH_EXPIRED");
      expect(Date.now()).toBeGreaterThanOrEqual(exp * 1000 - 50);
      expect(JSON.parse(notice.data)).toEqual({ closesIn: 1000 });
      await world.publish({ topic: "end", data: 2, private: true }, { topic: "end", data: 3 });
      expect(await client.ended).toBe("end");
      const data = client.events.map((event) => JSON.parse(event.data));
      expect(data).toEqual([1, { closesIn: 1000 }, 3]);
      expect((await readStats(world.url)).disconnects.expired).toBe(before + 1);
    });

    it("can be replaced by a fresh token of the same identity, and the stream continues", async () => {
      const first = bearer(await tokenFor("anna", { subscribe: ["go-on"] }, { exp: inSeconds(2) }));
      const client = await openStream(world.url, { headers: first }, "?topic=go-on");
      await eventually(
        () => client.events[0]?.event === "PB_AUTH_EXPIRED",
        "the client receives PB_AUTH_EXPIRED",
      );
      const bert = bearer(await tokenFor("bert", { subscribe: ["go-on"] }));
      expect((await world.subscribe(client.clientId, ["go-on"], bert)).status).toBe(403);
      expect((await world.subscribe(client.clientId, ["go-on"], first)).status).toBe(401);
      const fresh = bearer(await tokenFor("anna", { subscribe: ["go-on"] }));
      expect((await world.subscribe(client.clientId, ["go-on"], fresh)).status).toBe(204);
      await new Promise((resolve) => setTimeout(resolve, 1500));
      await world.publish({ topic: "go-on", data: 1, private: true });
      expect(await world.heard(client, "go-on")).toEqual([{ closesIn: 1000 }, 1]);
    });

    it("that is revoked is refused everywhere, and its streams end", async () => {
      const realtime = { subscribe: ["*"], publish: ["*"] };
      const old = bearer(await tokenFor("carl", realtime, { iat: inSeconds(-5) }));
      const client = await openStream(world.url, { headers: old }, "?topic=revoke");
      const guest = await openStream(world.url, {}, "?topic=revoke");
      const answer = await world.post("/api/realtime/revoke", { subject: "carl" }, ADMIN);
      expect([answer.status, answer.body]).toEqual([200, { disconnected: 1 }]);
      expect(await client.ended).toBe("end");
      const message = { topic: "revoke", data: 1 };
      const refusals = [
        await world.get("/api/realtime?topic=revoke", old),
        await world.get("/api/realtime/messages?topic=revoke", old),
        await world.subscribe(guest.clientId, ["revoke"], old),
        await world.post("/api/realtime/messages", message, old),
      ];
      expect(refusals.map(({ status }) => status)).toEqual([401, 401, 401, 401]);
      // A token of the second in which the subject was revoked is refused as well.
      const revokedIn = inSeconds(0);
      await eventually(() => inSeconds(0) > revokedIn, "the second of the revocation is over");
      const fresh = bearer(await tokenFor("carl", realtime, { iat: inSeconds(0) }));
      expect((await world.post("/api/realtime/messages", message, fresh)).status).toBe(200);
      expect(await world.heard(guest, "revoke")).toEqual([1]);
      expect((await publish(world.url, message)).status).toBe(200);
    });
  });

  describe("a token in the URL", () => {
    const world = accessWorld(runtime, { REALTIME_QUERY_TOKEN: "true" });

    it("is accepted for a stream and the history when that is allowed, and not for a POST", async () => {
      const realtime = { subscribe: ["a"], publish: ["a"] };
      const token = await tokenFor("anna", realtime);
      const client = await openStream(world.url, {}, `?topic=a&token=${token}`);
      await world.publish({ topic: "a", data: 1, private: true });
      expect(await world.heard(client, "a")).toEqual([1]);
      const { body } = await world.get(`/api/realtime/messages?topic=a&token=${token}`);
      expect(body.messages).toHaveLength(2);
      // Two tokens in one request are refused.
      for (const more of [`&token=${token}`, "&token=x", "&token="]) {
        const twice = await world.get(`/api/realtime/messages?topic=a&token=${token}${more}`);
        expect([more, twice.status]).toEqual([more, 400]);
      }
      const path = `/api/realtime/messages?token=${token}`;
      expect((await world.post(path, { topic: "a", data: 1 })).status).toBe(401);
    });
  });

  describe("without guests", () => {
    const world = accessWorld(runtime, { REALTIME_ANONYMOUS: "none" });

    it("a stream may be opened and signed in by POST, as the SDKs do, and every other request is refused", async () => {
      const { clientId, ...client } = await openStream(world.url);
      const refusals = [
        await world.get("/api/realtime?topic=a"),
        await world.get("/api/realtime/messages?topic=a"),
        await world.subscribe(clientId, ["a"]),
        await world.subscribe(clientId, []),
      ];
      expect(refusals.map(({ status }) => status)).toEqual([401, 401, 401, 401]);
      const anna = bearer(await tokenFor("anna"));
      expect((await world.subscribe(clientId, ["a"], anna)).status).toBe(204);
      await world.publish({ topic: "a", data: 1 });
      expect(await world.heard({ clientId, ...client }, "a")).toEqual([1]);
      expect((await world.get("/api/realtime/messages?topic=a", anna)).status).toBe(200);
    });

    it("a client gets no more messages when its token expires, until it sends a fresh one", async () => {
      const old = bearer(await tokenFor("anna", { subscribe: ["*"] }, { exp: inSeconds(4) }));
      const client = await openStream(world.url, { headers: old }, "?topic=over");
      await world.publish({ topic: "over", data: 1 });
      const expiryNotice = () => client.events.find(({ event }) => event === "PB_AUTH_EXPIRED");
      await eventually(expiryNotice, "the client receives PB_AUTH_EXPIRED");
      await world.publish({ topic: "over", data: 2 });
      const fresh = bearer(await tokenFor("anna"));
      const { id } = client.events[0] ?? {};
      const body = { clientId: client.clientId, subscriptions: ["over"], lastEventId: id };
      expect((await world.post("/api/realtime", body, fresh)).status).toBe(204);
      await world.publish({ topic: "over", data: 3 });
      await client.receive(5);
      expect(client.events.map(({ event, data }) => [event, JSON.parse(data)])).toEqual([
        ["over", 1],
        ["PB_AUTH_EXPIRED", { closesIn: expect.any(Number) }],
        ["over", 2],
        ["PB_RESUME", { recovered: true, replayed: 1 }],
        ["over", 3],
      ]);
    });
  });
}
