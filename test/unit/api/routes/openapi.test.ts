import { Validator } from "@seriousme/openapi-schema-validator";
import { describe, expect, it } from "vitest";
import { createServer } from "../../../../src/api/server.ts";
import { differencesFrom, type OpenAPIDocument } from "../../../support/response-schema.ts";

const KEY = "a-key-for-openapi";
const { app } = createServer({
  ...{ adminKey: KEY, maxBatch: 7, maxTopicLength: 77 },
  ...{ health: true, openapi: true, metrics: "admin" },
});
const admin = { Authorization: `Bearer ${KEY}` };

interface Operation {
  readonly responses: OpenAPIDocument["paths"][string][string]["responses"];
  readonly security: readonly object[];
  readonly parameters?: readonly { readonly name: string }[];
}

interface Document {
  readonly paths: Record<string, Record<string, Operation>>;
  // biome-ignore lint/suspicious/noExplicitAny: looked at field by field
  readonly components: any;
  // biome-ignore lint/suspicious/noExplicitAny: looked at field by field
  readonly webhooks: any;
}

/** Reads the id of a stream's client. */
async function openStream(sent: Response | Promise<Response>) {
  const reader = (await sent).body?.getReader();
  const { value } = (await reader?.read()) ?? {};
  const [, id = ""] = /^id: (.+)$/m.exec(new TextDecoder().decode(value)) ?? [];
  return { id, leave: () => reader?.cancel() };
}

const read = async (): Promise<Document> => (await app.request("/api/openapi.json")).json();

describe("the OpenAPI document", () => {
  it("is valid, by OpenAPI's own schema", async () => {
    const result = await new Validator().validate((await read()) as never);
    expect(result.errors ?? []).toEqual([]);
    expect(result.valid).toBe(true);
  });

  it("has the callbacks as webhooks, with the fields that answers may have", async () => {
    const { webhooks } = await read();
    expect(Object.keys(webhooks)).toEqual(["connect", "subscribe", "publish", "events"]);
    const fieldsOf = (type: string) => {
      const { schema } = webhooks[type].post.responses[200].content["application/json"];
      expect(schema).toMatchObject({ additionalProperties: false, required: ["allow"] });
      return Object.keys(schema.properties);
    };
    const always = ["allow", "reason", "status"];
    const connect = [...always, "cacheSeconds", "subscriptions", "identity", "rights", "info"];
    expect(fieldsOf("connect")).toEqual(connect);
    expect(fieldsOf("subscribe")).toEqual([...always, "cacheSeconds", "subscriptions"]);
    expect(fieldsOf("publish")).toEqual([...always, "message"]);
  });

  it("has every route, and no other", async () => {
    const { paths } = await read();
    const documented = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const served = app.routes
      .filter(({ method }) => method !== "ALL")
      .map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, "{$1}")}`);
    expect(documented.sort()).toEqual([...new Set(served)].sort());
  });

  it("leaves out what an app that mounts the service has not asked for", async () => {
    const { app: mounted } = createServer({ openapi: true });
    const document = await (await mounted.request("/api/openapi.json")).json();
    const paths = Object.keys(document.paths).filter((path) => !path.startsWith("/api/realtime"));
    expect(paths).toEqual(["/api/openapi.json"]);
  });

  it("describes for each route which credentials it needs", async () => {
    for (const [path, methods] of Object.entries((await read()).paths)) {
      for (const [method, { security }] of Object.entries(methods)) {
        const isOpen = security.some((one) => Object.keys(one).length === 0);
        const response = await app.request(path.replace("{id}", "x"), {
          method: method.toUpperCase(),
        });
        const isRefused = response.status === 401 || response.status === 403;
        expect([method, path, isRefused]).toEqual([method, path, !isOpen]);
        await response.body?.cancel();
      }
    }
  });

  it("says what the parameter `envelope` takes and does", async () => {
    const { parameters = [] } = (await read()).paths["/api/realtime"]?.get ?? {};
    expect(parameters.find(({ name }) => name === "envelope")).toMatchObject({
      in: "query",
      required: false,
      schema: {
        enum: ["0", "1", "true", "false"],
        description: expect.stringContaining('{"topic","id","at","data"}'),
      },
    });
  });

  it("has the limits that requests are checked with", async () => {
    const { paths, components } = await read();
    const { Message, RecordEvent } = components.schemas;
    expect(Message.properties.topic.maxLength).toBe(77);
    expect(Message.required).toContain("topic");
    const [name, description] = RecordEvent.properties.collection.anyOf;
    expect(name.type).toBe("string");
    expect(description.required).toEqual(["name"]);
    expect(description.properties.fields).toMatchObject({
      maxProperties: 200,
      additionalProperties: { enum: expect.arrayContaining(["select[]", "json"]) },
    });
    expect(description.properties.hidden.maxItems).toBe(200);
    expect(RecordEvent.required).toEqual(["collection", "action", "record"]);
    expect(RecordEvent.properties.action.enum).toEqual(["create", "update", "delete"]);
    const publish = paths["/api/realtime/messages"]?.post as never as {
      requestBody: { content: Record<string, { schema: { anyOf: { maxItems?: number }[] } }> };
    };
    expect(publish.requestBody.content["application/json"]?.schema.anyOf[1]?.maxItems).toBe(7);
    const names = paths["/api/realtime/messages"]?.get?.parameters?.map(({ name }) => name);
    expect(names).toEqual(["topic", "after", "before", "limit"]);
    expect(Message.properties.ttl).toEqual({ type: "integer", minimum: 1, maximum: 31_536_000 });
    const erase = paths["/api/realtime/messages"]?.delete?.parameters;
    expect(erase).toEqual([
      {
        name: "topic",
        in: "query",
        required: true,
        example: "users/7/*",
        description: "A topic, `prefix/*` or `*`.",
        schema: expect.objectContaining({ maxLength: 77 }),
      },
    ]);
  });

  it("describes the status and body of each route's responses", async () => {
    const document = await read();
    const server = createServer({
      ...{
        adminKey: KEY,
        health: true,
        openapi: true,
        metrics: "admin",
        trustedProxyHeader: "X-IP",
        topics: [
          { match: "a/*", keep: 1, private: true, ttl: 60 },
          { match: "a", presence: true },
        ],
      },
      authenticate: (c) =>
        c.req.header("X-User") && {
          subject: "anna",
          subscribe: ["a"],
          expiresAt: Date.now() + 60_000,
        },
    });
    const send = (method: string, path: string, body?: unknown, headers = {}) =>
      server.app.request(path, {
        method,
        headers: { ...admin, "Content-Type": "application/json", "X-IP": "192.0.2.1", ...headers },
        body: body === undefined ? null : JSON.stringify(body),
      });
    const asUser = { Authorization: "", "X-User": "anna" };
    const guest = await openStream(send("GET", "/api/realtime", undefined, { Authorization: "" }));
    const user = await openStream(send("GET", "/api/realtime?topic=a", undefined, asUser));
    const api = "/api/realtime";
    const post = (path: string, body: unknown) => send("POST", path, body);
    const info = (clientId: string) => ({ clientId, topic: "a", info: { typing: true } });
    const message = { topic: "a", data: { text: "hello" }, id: "one" };
    const record = { collection: "posts", action: "update", record: { id: "x", title: "y" } };
    /** Requests in their order: the operation's path, its method, and how to send it. */
    const cases: [
      path: string,
      method: string,
      status: number,
      () => Response | Promise<Response>,
    ][] = [
      ["/api/health", "get", 200, () => send("GET", "/api/health")],
      ["/api/health/ready", "get", 200, () => send("GET", "/api/health/ready")],
      ["/api/openapi.json", "get", 200, () => send("GET", "/api/openapi.json")],
      ["/metrics", "get", 200, () => send("GET", "/metrics")],
      ["/metrics", "get", 401, () => send("GET", "/metrics", undefined, { Authorization: "" })],
      [api, "post", 204, () => send("POST", api, { clientId: guest.id, subscriptions: ["a"] })],
      [api, "post", 400, () => post(api, { clientId: "", unknown: 1 })],
      [api, "post", 404, () => post(api, { clientId: "x" })],
      [`${api}/messages`, "post", 200, () => post(`${api}/messages`, message)],
      [`${api}/messages`, "post", 200, () => post(`${api}/messages`, [message, record])],
      [`${api}/messages`, "post", 409, () => post(`${api}/messages`, { ...message, data: 1 })],
      [`${api}/messages`, "post", 400, () => post(`${api}/messages`, [{ topic: "" }, {}])],
      [`${api}/messages`, "get", 200, () => send("GET", `${api}/messages?topic=a`)],
      [`${api}/messages`, "get", 200, () => send("GET", `${api}/messages?topic=*&limit=1`)],
      [`${api}/messages`, "get", 410, () => send("GET", `${api}/messages?topic=a&after=x`)],
      [`${api}/messages`, "get", 400, () => send("GET", `${api}/messages`)],
      [`${api}/clients`, "get", 200, () => send("GET", `${api}/clients`)],
      [`${api}/clients`, "get", 200, () => send("GET", `${api}/clients?limit=1`)],
      [`${api}/clients/{id}`, "get", 200, () => send("GET", `${api}/clients/${user.id}`)],
      [`${api}/clients/{id}`, "get", 404, () => send("GET", `${api}/clients/x`)],
      [`${api}/topics`, "get", 200, () => send("GET", `${api}/topics`)],
      [`${api}/topics`, "get", 200, () => send("GET", `${api}/topics?limit=1`)],
      [`${api}/topics/rules`, "get", 200, () => send("GET", `${api}/topics/rules`)],
      [`${api}/topics/rules`, "get", 200, () => send("GET", `${api}/topics/rules?topic=a/1`)],
      [`${api}/topics/rules`, "get", 200, () => send("GET", `${api}/topics/rules?topic=b`)],
      [`${api}/presence`, "get", 200, () => send("GET", `${api}/presence?topic=a`)],
      [`${api}/presence`, "get", 400, () => send("GET", `${api}/presence?topic=b`)],
      [
        `${api}/presence`,
        "post",
        204,
        () => send("POST", `${api}/presence`, info(user.id), asUser),
      ],
      [`${api}/presence`, "post", 400, () => send("POST", `${api}/presence`, { x: 1 }, asUser)],
      [`${api}/messages`, "delete", 200, () => send("DELETE", `${api}/messages?topic=a`)],
      [`${api}/messages`, "delete", 400, () => send("DELETE", `${api}/messages`)],
      [`${api}/callbacks`, "get", 200, () => send("GET", `${api}/callbacks`)],
      [`${api}/stats`, "get", 200, () => send("GET", `${api}/stats`)],
      [`${api}/clients/{id}`, "delete", 204, () => send("DELETE", `${api}/clients/${guest.id}`)],
      [`${api}/clients/{id}`, "delete", 404, () => send("DELETE", `${api}/clients/x`)],
      [`${api}/revoke`, "post", 200, () => post(`${api}/revoke`, { subject: "anna" })],
      [`${api}/revoke`, "post", 400, () => post(`${api}/revoke`, {})],
    ];
    for (const [path, method, status, request] of cases) {
      const response = await request();
      const request_ = `${method} ${path}`;
      expect([request_, response.status]).toEqual([request_, status]);
      const found = await differencesFrom(document, path, method, response);
      expect([request_, status, found]).toEqual([request_, status, []]);
    }
    await Promise.all([guest.leave(), user.leave()]);
    await server.close();
    const stopping = await send("GET", "/api/health/ready");
    expect(stopping.status).toBe(503);
    expect(await differencesFrom(document, "/api/health/ready", "get", stopping)).toEqual([]);
    const tested = new Set(cases.map(([path, method]) => `${method} ${path}`));
    const all = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method} ${path}`),
    );
    // The body of a stream has no JSON to compare.
    expect(all.filter((operation) => !tested.has(operation))).toEqual(["get /api/realtime"]);
  });
});
