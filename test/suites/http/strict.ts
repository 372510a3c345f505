import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ADMIN_KEY, type Answer, call, publish, readStats } from "../../support/api.ts";
import { closeClients } from "../../support/clients.ts";
import { type RuntimeUnderTest, type Service, startService } from "../../support/service.ts";
import { openStream } from "../../support/sse-client.ts";

const ADMIN = { Authorization: `Bearer ${ADMIN_KEY}` };
const JSON_TYPE = { "Content-Type": "application/json" };
const FORM_TYPE = { "Content-Type": "application/x-www-form-urlencoded" };

/** The service refuses unknown input and names it. Otherwise a typing error would be ignored silently. */
export function strictSuite(runtime: RuntimeUnderTest): void {
  describe("unknown or malformed input", () => {
    let service: Service;
    beforeAll(async () => {
      service = await startService(runtime);
    });
    afterAll(async () => {
      closeClients();
      await service.stop();
    });

    const post = (path: string, body: BodyInit, headers: Record<string, string> = JSON_TYPE) =>
      call(service.url, path, { method: "POST", body, headers: { ...ADMIN, ...headers } });
    const fault = ({ body }: Answer, field: string) => [body.data[field]?.code, body.message];

    const messages: [name: string, message: object, unknown: string, hint: string][] = [
      ["a flag", { topic: "a", data: 1, privte: true }, "privte", "private"],
      ["a topic", { topik: "a", data: 1 }, "topik", "topic"],
      [
        "a record's",
        { collection: "c", action: "create", record: { id: "1" }, prvate: true },
        "prvate",
        "private",
      ],
    ];
    it.each(messages)("in a message is refused: %s", async (_, message, unknown, hint) => {
      const before = await readStats(service.url);
      const answer = await publish(service.url, message);
      expect(answer.status).toBe(400);
      const [code, text] = fault(answer, unknown);
      expect(code).toBe("validation_unknown_field");
      expect(text).toContain(`Did you mean "${hint}"?`);
      const batch = await publish(service.url, [{ topic: "a", data: 1 }, message]);
      expect(batch.body.data[1][unknown].code).toBe("validation_unknown_field");
      expect((await readStats(service.url)).accepted).toBe(before.accepted);
    });

    it("is refused also when its name is an inherited property of objects, or very long", async () => {
      for (const name of ["__proto__", "toString", "constructor", "x".repeat(10_000)]) {
        const answer = await post("/api/realtime/messages", `{"topic":"a","data":1,"${name}":1}`);
        expect([name.slice(0, 20), answer.status]).toEqual([name.slice(0, 20), 400]);
        expect(JSON.stringify(answer.body).length).toBeLessThan(500);
      }
    });

    it("in a record is part of the record, and accepted", async () => {
      const record = { id: "1", anything: 1 };
      const message = { collection: "c", action: "create", record };
      expect((await publish(service.url, message)).status).toBe(200);
    });

    it("in a subscribe request is refused, as JSON and as a form, with brackets as well", async () => {
      const { clientId } = await openStream(service.url);
      const json = await post("/api/realtime", JSON.stringify({ clientId, subscription: ["a"] }));
      expect(json.status).toBe(400);
      expect(fault(json, "subscription")[1]).toContain('Did you mean "subscriptions"?');
      const form = await post("/api/realtime", `clientId=${clientId}&subscriptions[]=a`, FORM_TYPE);
      expect(form.status).toBe(400);
      expect(fault(form, "subscriptions[]")[1]).toContain('Write "subscriptions" without brackets');
      const twice = `clientId=${clientId}&clientId=other&subscriptions=a`;
      expect((await post("/api/realtime", twice, FORM_TYPE)).status).toBe(400);
      const right = `clientId=${clientId}&subscriptions=a&subscriptions=b`;
      expect((await post("/api/realtime", right, FORM_TYPE)).status).toBe(204);
    });

    it("in a revocation is refused", async () => {
      const answer = await post("/api/realtime/revoke", '{"subject":"anna","clientid":"x"}');
      expect(answer.status).toBe(400);
      expect(fault(answer, "clientid")[1]).toContain('Did you mean "clientId"?');
    });

    it.each([
      ["GET", "/api/realtime?topics=a", "topics", 'Did you mean "topic"?'],
      ["GET", "/api/realtime?topic[]=a", "topic[]", 'Write "topic" without brackets'],
      ["GET", "/api/realtime?lasteventid=a", "lasteventid", 'Did you mean "lastEventId"?'],
      ["GET", "/api/realtime?ping=events", "ping", 'Must be "event"'],
      ["GET", "/api/realtime/messages?topic=a&lmit=2", "lmit", 'Did you mean "limit"?'],
      ["GET", "/api/realtime/messages?topic=a&limit=1&limit=2", "limit", "repeated"],
      ["GET", "/api/realtime/messages?topic=a&topic=b&limit=1&limit=2", "limit", "repeated"],
      ["GET", "/api/realtime/messages?topic=a&limit=1001", "limit", "from 1 to 1000"],
      ["GET", "/api/realtime/messages?topic=a&limit=99999999999999", "limit", "from 1 to 1000"],
      ["GET", "/api/realtime/clients?limits=2", "limits", 'Did you mean "limit"?'],
      ["GET", "/api/realtime/clients?limit=1001", "limit", "from 1 to 1000"],
      ["GET", "/api/realtime/topics?befor=2", "befor", "The known fields are"],
      ["GET", "/api/realtime/stats?since=2", "since", "field is unknown"],
      ["POST", "/api/realtime?clientId=a", "clientId", "Leave it out"],
      ["POST", "/api/realtime/messages?private=true", "private", "Leave it out"],
    ])("in a query is refused: %s %s", async (method, path, name, text) => {
      const body = method === "POST" ? "{}" : undefined;
      const answer = await call(service.url, path, {
        method,
        headers: { ...ADMIN, ...JSON_TYPE },
        ...(body !== undefined && { body }),
      });
      expect(answer.status).toBe(400);
      expect(answer.body.data).toHaveProperty([name]);
      expect(answer.body.message).toContain(text);
    });

    it("in a query is ignored when caches or trackers add it", async () => {
      const path = "/api/realtime/messages?topic=a&_=17&utm_source=x";
      expect((await call(service.url, path)).status).toBe(200);
    });

    it.each(["gzip", "br", "gzip, identity", "x"])(
      "with a Content-Encoding is refused before the body is read: %s",
      async (encoding) => {
        const body = gzipSync('{"topic":"a","data":1}');
        for (const path of ["/api/realtime", "/api/realtime/messages", "/api/realtime/revoke"]) {
          const headers = { ...JSON_TYPE, "Content-Encoding": encoding };
          const answer = await post(path, body, headers);
          expect([path, answer.status]).toEqual([path, 415]);
          expect(answer.body.message).toContain("uncompressed");
          expect(answer.headers.get("accept-encoding")).toBe("identity");
        }
      },
    );

    it("is not the Content-Encoding `identity`", async () => {
      const headers = { ...JSON_TYPE, "Content-Encoding": "Identity" };
      const answer = await post("/api/realtime/messages", '{"topic":"a","data":1}', headers);
      expect(answer.status).toBe(200);
    });

    it.each(["1e400", "-1e400", `1${"0".repeat(400)}`, '{"deep":[1,{"n":1E+999}]}'])(
      "with a number that is too large is refused, and the number does not become null: %s",
      async (data) => {
        const answer = await post("/api/realtime/messages", `{"topic":"a","data":${data}}`);
        expect(answer.status).toBe(400);
        expect(answer.body.message).toContain("too large");
      },
    );

    it.each([
      ["/api/realtime/messages", "application/json", '{"topic":"a","data":"\xff"}'],
      ["/api/realtime", "application/json", '{"clientId":"\xff"}'],
      ["/api/realtime", "application/x-www-form-urlencoded", "clientId=\xff"],
    ])(
      "at %s as %s that is not UTF-8 is refused, and no character is replaced",
      async (path, type, text) => {
        const body = Buffer.from(text, "latin1");
        const headers = { ...ADMIN, "Content-Type": type };
        const answer = await call(service.url, path, { method: "POST", headers, body });
        expect(answer.status).toBe(400);
        expect(answer.body.message).toBe("The request body is not valid UTF-8.");
      },
    );

    it("is not text that looks like a number", async () => {
      const data = JSON.stringify(["1e400", "1".repeat(300), 1e300, 1e-300]);
      const answer = await post("/api/realtime/messages", `{"topic":"a","data":${data}}`);
      expect(answer.status).toBe(200);
    });
  });
}
