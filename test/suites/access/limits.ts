import { describe, expect, it } from "vitest";
import { ADMIN_KEY, readStats } from "../../support/api.ts";
import { closeClients } from "../../support/clients.ts";
import { eventually } from "../../support/deadline.ts";
import { openRaw, openRawStream } from "../../support/raw-client.ts";
import type { RuntimeUnderTest } from "../../support/service.ts";
import { openStream } from "../../support/sse-client.ts";
import { bearer, tokenFor } from "../../support/tokens.ts";
import { ADMIN, accessWorld, type Headers } from "./context.ts";

/** Limits, each set by its variable. */
export function limitTests(runtime: RuntimeUnderTest): void {
  const world = (env: Readonly<Record<string, string>>) =>
    accessWorld(runtime, { REALTIME_PING_SECONDS: "0.2", ...env });

  describe("the number of clients", () => {
    const target = world({
      REALTIME_MAX_CLIENTS: "4",
      REALTIME_MAX_CLIENTS_PER_ADDRESS: "3",
      REALTIME_TRUSTED_PROXY_HEADER: "X-Forwarded-For",
    });

    it("is limited for each address from the trusted header and in total, and a client that leaves makes room", async () => {
      // The client wrote everything before the last address itself.
      const from = (ip: string) => ({ headers: { "X-Forwarded-For": `203.0.113.9, ${ip}` } });
      for (let n = 0; n < 3; n++) await openStream(target.url, from("2001:db8::1"));
      const refused = await target.get("/api/realtime", from("2001:db8::ffff").headers);
      expect(refused.status).toBe(200);
      expect(refused.body).toMatch(/^: There are 3 streams from this address.*\nretry: \d+\n\n$/);
      await openStream(target.url, from("192.0.2.1"));
      const full = await target.get("/api/realtime", from("192.0.2.2").headers);
      expect(full.status).toBe(200);
      expect(full.body).toMatch(
        /^: The server has reached its limit of connected clients.*\nretry: \d+\n\n$/,
      );
      const isNoted = () => target.service.logs.some(({ msg }) => msg === "clients are refused");
      await eventually(isNoted, "the limit is logged");
      closeClients();
      await eventually(
        async () => (await readStats(target.url)).clients === 0,
        "the clients are removed",
      );
      await openStream(target.url, from("2001:db8::1"));
    });
  });

  describe("the number of subscription keys", () => {
    const target = world({
      REALTIME_MAX_KEYS: "8",
      REALTIME_MAX_KEYS_PER_ADDRESS: "5",
      REALTIME_MAX_KEY_CHARACTERS_PER_ADDRESS: "20",
      REALTIME_TRUSTED_PROXY_HEADER: "X-Real-IP",
    });
    const from = (ip: string) => ({ headers: { "X-Real-IP": ip } });
    const post = async (ip: string, clientId: string, keys: readonly string[]) => {
      const { status, body } = await target.subscribe(clientId, keys, from(ip).headers);
      return [status, body.message];
    };

    it("is limited for each address and in total, and removed keys make room", async () => {
      const one = await openStream(target.url, from("192.0.2.1"));
      const two = await openStream(target.url, from("192.0.2.1"));
      const three = await openStream(target.url, from("192.0.2.2"));
      expect(await post("192.0.2.1", one.clientId, ["a", "b", "c", "c"])).toEqual([204, undefined]);
      expect(await post("192.0.2.1", two.clientId, ["a", "b", "c"])).toEqual([
        429,
        expect.stringContaining("would have 6 subscription keys, and 5 are allowed"),
      ]);
      expect(await post("192.0.2.1", two.clientId, ["x".repeat(18)])).toEqual([
        429,
        expect.stringContaining("would have 21 characters of subscription keys"),
      ]);
      expect(await post("192.0.2.1", two.clientId, ["a", "b"])).toEqual([204, undefined]);
      const query = "/api/realtime?topic=a";
      const stream = await target.get(query, from("192.0.2.1").headers);
      expect(stream.status).toBe(200);
      expect(stream.body).toMatch(/^: [^\n]*subscription keys[^\n]*\nretry: \d+\n\n$/);
      expect(await post("192.0.2.2", three.clientId, ["a", "b", "c", "d"])).toEqual([
        503,
        expect.stringContaining("limit of 8 subscription keys"),
      ]);
      const metrics = (await target.get("/metrics", ADMIN)).body;
      expect(metrics).toContain("pocketwire_keys 5\n");
      expect(metrics).toContain("pocketwire_keys_limit 8\n");
      expect(metrics).toContain("pocketwire_keys_refused_total 4\n");
      expect(await post("192.0.2.1", one.clientId, [])).toEqual([204, undefined]);
      expect(await post("192.0.2.2", three.clientId, ["a", "b", "c", "d"])).toEqual([
        204,
        undefined,
      ]);
    });
  });

  describe("the address of a client", () => {
    const trusting = world({ REALTIME_TRUSTED_PROXY_HEADER: "X-Real-IP" });
    const careless = world({ REALTIME_CHECK_IP: "false" });

    it("is taken from the trusted header, and from no other header", async () => {
      const headers = { "X-Real-IP": "192.0.2.1", "X-Forwarded-For": "192.0.2.9" };
      const { clientId } = await openStream(trusting.url, { headers });
      for (const same of ["192.0.2.1", "192.0.2.1:4711", "::ffff:192.0.2.1", "::ffff:c000:201"]) {
        const answer = await trusting.subscribe(clientId, ["a"], { "X-Real-IP": same });
        expect([same, answer.status]).toEqual([same, 204]);
      }
      for (const other of [{}, { "X-Real-IP": "192.0.2.2" }, { "X-Forwarded-For": "192.0.2.1" }]) {
        const answer = await trusting.subscribe(clientId, ["a"], other);
        expect([other, answer.status]).toEqual([other, 400]);
      }
      // A value that is not an address is ignored as well.
      for (const nonsense of ["192.0.2.1\u00e4", "192.0.02.1", "192.0.2.1, unknown"]) {
        const answer = await trusting.subscribe(clientId, ["a"], { "X-Real-IP": nonsense });
        expect([nonsense, answer.status]).toEqual([nonsense, 400]);
      }
      const isNoted = () =>
        trusting.service.logs.some(
          ({ msg, streamAddress }) =>
            msg === "subscriptions refused for the address" && streamAddress === "192.0.2.1",
        );
      await eventually(isNoted, "the limit is logged");
    });

    it("is the connection's when the trusted header has no address", async () => {
      const { clientId } = await openStream(trusting.url);
      for (const nonsense of ["unknown", "01.1.1.3", "_hidden", "1".repeat(5000), "::1::"]) {
        const answer = await trusting.subscribe(clientId, ["a"], { "X-Real-IP": nonsense });
        expect([nonsense.slice(0, 10), answer.status]).toEqual([nonsense.slice(0, 10), 204]);
      }
    });

    it("of IPv6 is the same in every form, and in all of its /64", async () => {
      const headers = { "X-Real-IP": "2001:db8:1:2::a" };
      const { clientId } = await openStream(trusting.url, { headers });
      for (const same of [
        "2001:DB8:1:2:0:0:0:A",
        "[2001:db8:1:2::a]:443",
        "2001:db8:1:2:3:4:5:6",
      ]) {
        const answer = await trusting.subscribe(clientId, ["a"], { "X-Real-IP": same });
        expect([same, answer.status]).toEqual([same, 204]);
      }
      for (const other of ["2001:db8:1:3::a", "192.0.2.1"]) {
        const answer = await trusting.subscribe(clientId, ["a"], { "X-Real-IP": other });
        expect([other, answer.status]).toEqual([other, 400]);
      }
    });

    it("need not be the stream's when the check is switched off", async () => {
      const elsewhere = await openRawStream(careless.url, { localAddress: "127.0.0.2" });
      expect((await careless.subscribe(elsewhere.clientId, ["a"])).status).toBe(204);
      elsewhere.socket.destroy();
    });
  });

  describe("rates", () => {
    const target = world({
      REALTIME_CONNECTS_PER_SECOND: "0.5",
      REALTIME_PUBLISHES_PER_SECOND: "0.5",
      REALTIME_FAILURES_PER_SECOND: "0.1",
      REALTIME_MAX_BATCH: "5",
      REALTIME_TRUSTED_PROXY_HEADER: "X-Real-IP",
    });

    const scanned = world({
      REALTIME_CONNECTS_PER_SECOND: "100",
      REALTIME_HISTORY_SCAN_PER_SECOND: "1",
      REALTIME_TRUSTED_PROXY_HEADER: "X-Real-IP",
    });

    it("of opening streams, setting subscriptions and reading the history are limited for each address, independently", async () => {
      const headers = { "X-Real-IP": "192.0.2.1" };
      const path = "/api/realtime/messages?topic=a";
      const statuses = [];
      for (let n = 0; n < 8; n++) statuses.push((await target.get(path, headers)).status);
      expect(statuses.slice(0, 5)).toEqual([200, 200, 200, 200, 200]);
      expect(statuses).toContain(429);
      const read = await target.get(path, headers);
      expect(read.status).toBe(429);
      expect(Number(read.headers.get("retry-after"))).toBeGreaterThan(0);
      const { clientId } = await openStream(target.url, { headers });
      const refused = [];
      for (let n = 0; n < 8; n++) {
        const { status } = await target.subscribe("unknown", ["a"], headers);
        if (status === 429) refused.push(status);
        else expect(status).toBe(404);
      }
      expect(refused).not.toEqual([]);
      // Although other clients have used up the limit of this address.
      expect((await target.subscribe(clientId, ["a"], headers)).status).toBe(204);
      let body = "";
      for (let n = 0; n < 8 && !body.startsWith(":"); n++) {
        const abort = new AbortController();
        const response = await fetch(`${target.url}/api/realtime`, {
          headers,
          signal: abort.signal,
        });
        expect(response.status).toBe(200);
        const first = await response.body?.getReader().read();
        body = new TextDecoder().decode(first?.value);
        abort.abort();
      }
      expect(body).toMatch(/^: The limit of 0\.5 streams per second is reached\..*\nretry: \d+\n/);
      expect((await target.get(path, { "X-Real-IP": "192.0.2.2" })).status).toBe(200);
    });

    it("of invalid credentials are limited for each address, logged and counted, and valid credentials are still accepted", async () => {
      const from = (ip: string, token: string) => ({ ...bearer(token), "X-Real-IP": ip });
      const anna = await tokenFor("anna");
      const ask = async (path: string, headers: Headers) =>
        (await target.get(path, headers)).status;
      const guess = (path: string, n: number) => ask(path, from("198.51.100.1", `guess-${n}`));
      expect(await ask("/api/realtime/clients", from("198.51.100.1", ADMIN_KEY))).toBe(200);
      expect(await ask("/api/realtime/clients", from("198.51.100.1", anna))).toBe(403);
      const statuses = [];
      for (let n = 0; n < 15; n++) statuses.push(await guess("/api/realtime/clients", n));
      expect(statuses[0]).toBe(401);
      expect(statuses.at(-1)).toBe(429);
      const limited = await target.get("/metrics", from("198.51.100.1", "guess"));
      expect(limited.status).toBe(429);
      expect(Number(limited.headers.get("retry-after"))).toBeGreaterThan(0);
      const posted = await target.post("/api/realtime", {}, from("198.51.100.1", "guess"));
      expect(posted.status).toBe(429);
      // A credential that was accepted from this address is still accepted, and other addresses are not affected.
      expect(await ask("/api/realtime/clients", from("198.51.100.1", ADMIN_KEY))).toBe(200);
      expect(await ask("/api/realtime/clients", from("198.51.100.1", anna))).toBe(403);
      expect(await ask("/api/realtime/clients", from("198.51.100.2", ADMIN_KEY))).toBe(200);
      expect(await ask("/api/realtime/clients", from("198.51.100.2", "guess"))).toBe(401);
      const { body } = await target.get("/api/realtime/stats", ADMIN);
      expect(body.refusedCredentials).toBeGreaterThanOrEqual(2);
      const metrics = await target.get("/metrics", ADMIN);
      expect(metrics.body).toMatch(/^pocketwire_credentials_refused_total [1-9]/m);
      const isWarning = ({ level, msg }: Readonly<Record<string, unknown>>) =>
        level === "warn" && msg === "credentials refused";
      const lines = () => target.service.logs.filter(isWarning);
      await eventually(() => lines().length > 0, "the limit is logged");
      expect(lines()).toHaveLength(1);
      expect(JSON.stringify(lines())).not.toContain("guess");
    });

    it("count a read of the history as the messages that it scanned", async () => {
      await scanned.publish(...Array.from({ length: 30 }, (_, n) => ({ topic: "a", data: n })));
      const read = (ip: string) =>
        scanned.get("/api/realtime/messages?topic=nothing", { "X-Real-IP": ip });
      const first = await read("192.0.2.1");
      expect([first.status, first.body.messages]).toEqual([200, []]);
      expect(first.body).not.toHaveProperty("scanned");
      const refused = await read("192.0.2.1");
      expect([refused.status, refused.body.message]).toEqual([
        429,
        expect.stringContaining("limit of 1 scanned history messages per second"),
      ]);
      expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(10);
      expect((await read("192.0.2.2")).status).toBe(200);
    });

    it("count a batch as its messages", async () => {
      const carl = bearer(await tokenFor("carl", { publish: ["*"] }));
      const post = async (count: number) => {
        const batch = Array.from({ length: count }, (_, n) => ({ topic: "a", data: n }));
        return (await target.post("/api/realtime/messages", batch, carl)).status;
      };
      expect([await post(4), await post(5), await post(1)]).toEqual([200, 429, 200]);
    });

    it("of publishing are limited for an identity, and not for the admin key", async () => {
      const anna = bearer(await tokenFor("anna", { publish: ["*"] }));
      const post = (data: number, headers: typeof anna) =>
        target.post("/api/realtime/messages", { topic: "a", data }, headers);
      const statuses = [];
      for (let n = 0; n < 8; n++) statuses.push((await post(n, anna)).status);
      expect(statuses.slice(0, 5)).toEqual([200, 200, 200, 200, 200]);
      const refused = await post(9, anna);
      expect([refused.status, refused.body.data]).toEqual([429, {}]);
      expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
      const bert = bearer(await tokenFor("bert", { publish: ["*"] }));
      expect((await post(10, bert)).status).toBe(200);
      for (let n = 0; n < 20; n++) await target.publish({ topic: "a", data: n });
    });
  });

  describe("a rate of bytes", () => {
    const target = world({
      REALTIME_PUBLISH_BYTES_PER_SECOND: "10",
      REALTIME_MAX_BODY_BYTES: "2048",
    });

    it("limits the bytes that one identity publishes, is counted, and does not apply to the admin key", async () => {
      const publish = async (headers: ReturnType<typeof bearer>) => {
        const message = { topic: "a", data: "x".repeat(900) };
        return target.post("/api/realtime/messages", message, headers);
      };
      const anna = bearer(await tokenFor("anna", { publish: ["*"] }));
      expect([(await publish(anna)).status, (await publish(anna)).status]).toEqual([200, 200]);
      const refused = await publish(anna);
      expect([refused.status, refused.body.message]).toEqual([
        429,
        expect.stringContaining("limit of 10 message bytes per second"),
      ]);
      expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(10);
      expect((await publish(bearer(await tokenFor("bert", { publish: ["*"] })))).status).toBe(200);
      for (let n = 0; n < 5; n++) await target.publish({ topic: "a", data: "x".repeat(900) });
      const metrics = await target.get("/metrics", ADMIN);
      expect(metrics.body).toContain('pocketwire_rate_refusals_total{limit="publish_bytes"} 1');
    });
  });

  describe("sizes", () => {
    const target = world({
      REALTIME_MAX_SUBSCRIPTIONS: "3",
      REALTIME_MAX_TOPIC_LENGTH: "10",
      REALTIME_MAX_BATCH: "2",
      REALTIME_MAX_MESSAGE_BYTES: "20",
      REALTIME_MAX_BODY_BYTES: "1024",
      REALTIME_REQUEST_SECONDS: "1",
    });

    it("are as configured", async () => {
      const { clientId } = await openStream(target.url);
      const subscribe = async (keys: readonly string[]) =>
        (await target.subscribe(clientId, keys)).status;
      expect(await subscribe(["a", "b", "c"])).toBe(204);
      expect(await subscribe(["a", "b", "c", "d"])).toBe(400);
      expect(await subscribe(["x".repeat(10)])).toBe(204);
      expect(await subscribe(["x".repeat(11)])).toBe(400);
      expect((await target.get("/api/realtime?topic=a&topic=b&topic=c&topic=d")).status).toBe(400);
      expect((await target.get(`/api/realtime/messages?topic=${"x".repeat(11)}`)).status).toBe(400);
      const admin = async (body: unknown) => {
        const realtime = { publish: ["*"] };
        const answer = await target.post(
          "/api/realtime/messages",
          body,
          bearer(await tokenFor("anna", realtime)),
        );
        return [answer.status, answer.body.message] as const;
      };
      const message = { topic: "a", data: "x".repeat(18) };
      expect((await admin([message, message]))[0]).toBe(200);
      expect((await admin([message, message, message]))[0]).toBe(400);
      const [status, text] = await admin([message, { topic: "a", data: "é".repeat(10) }]);
      expect([status, text]).toEqual([413, expect.stringContaining("message 1 has 22 bytes")]);
      expect((await admin({ topic: "x".repeat(11), data: 1 }))[0]).toBe(400);
      expect((await admin({ topic: "a", data: 1, more: "x".repeat(1024) }))[0]).toBe(413);
    });

    it("end a request with a body that does not arrive, and the service serves other requests", async () => {
      const slow = await openRaw(target.url, {
        method: "POST",
        headers: { "Content-Type": "application/json", "Content-Length": "100" },
      });
      const drip = setInterval(() => slow.socket.write(" "), 100);
      await slow.waitFor(
        /^HTTP\/1\.1 408 [\s\S]*did not arrive within 1 s/,
        "the refusal with its reason",
      );
      await eventually(slow.isClosed, "its connection is closed");
      clearInterval(drip);
      expect((await target.get("/api/health")).status).toBe(200);
    });
  });
}
