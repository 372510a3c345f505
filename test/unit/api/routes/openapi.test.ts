import { Validator } from "@seriousme/openapi-schema-validator";
import { describe, expect, it } from "vitest";
import { createServer } from "../../../../src/api/server.ts";

const KEY = "a-key-for-openapi";
const { app } = createServer({
  ...{ adminKey: KEY, maxBatch: 7, maxTopicLength: 77 },
  ...{ health: true, openapi: true, metrics: "admin" },
});
const admin = { Authorization: `Bearer ${KEY}` };

interface Operation {
  readonly responses: Record<string, unknown>;
  readonly security: readonly object[];
  readonly parameters?: readonly { readonly name: string }[];
}

interface Document {
  readonly paths: Record<string, Record<string, Operation>>;
  // biome-ignore lint/suspicious/noExplicitAny: looked at field by field
  readonly components: any;
}

const read = async (): Promise<Document> => (await app.request("/api/openapi.json")).json();

describe("the OpenAPI document", () => {
  it("is valid, by OpenAPI's own schema", async () => {
    const result = await new Validator().validate((await read()) as never);
    expect(result.errors ?? []).toEqual([]);
    expect(result.valid).toBe(true);
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

  it("says of each route whom it lets in", async () => {
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

  it("has the limits that requests are checked with", async () => {
    const { paths, components } = await read();
    const { Message, RecordEvent } = components.schemas;
    expect(Message.properties.topic.maxLength).toBe(77);
    expect(Message.required).toContain("topic");
    expect(RecordEvent.properties.action.enum).toEqual(["create", "update", "delete"]);
    const publish = paths["/api/realtime/messages"]?.post as never as {
      requestBody: { content: Record<string, { schema: { anyOf: { maxItems?: number }[] } }> };
    };
    expect(publish.requestBody.content["application/json"]?.schema.anyOf[1]?.maxItems).toBe(7);
    const names = paths["/api/realtime/messages"]?.get?.parameters?.map(({ name }) => name);
    expect(names).toEqual(["topic", "after", "before", "limit"]);
  });

  it("has the status of what each route answers", async () => {
    const post = (path: string, body: unknown) =>
      app.request(path, {
        method: "POST",
        headers: { ...admin, "Content-Type": "application/json" },
        body: JSON.stringify(body),
      });
    const answers: [string, string, Response][] = [
      ["/api/health", "get", await app.request("/api/health")],
      ["/api/health/ready", "get", await app.request("/api/health/ready")],
      ["/metrics", "get", await app.request("/metrics", { headers: admin })],
      ["/api/realtime", "post", await post("/api/realtime", { clientId: "" })],
      [
        "/api/realtime/messages",
        "post",
        await post("/api/realtime/messages", { topic: "a", data: 1 }),
      ],
      ["/api/realtime/messages", "get", await app.request("/api/realtime/messages?topic=a")],
      [
        "/api/realtime/clients",
        "get",
        await app.request("/api/realtime/clients", { headers: admin }),
      ],
      [
        "/api/realtime/clients/{id}",
        "delete",
        await app.request("/api/realtime/clients/x", { method: "DELETE", headers: admin }),
      ],
      [
        "/api/realtime/topics",
        "get",
        await app.request("/api/realtime/topics", { headers: admin }),
      ],
      ["/api/realtime/revoke", "post", await post("/api/realtime/revoke", { subject: "a" })],
      ["/api/realtime/stats", "get", await app.request("/api/realtime/stats", { headers: admin })],
    ];
    const { paths } = await read();
    for (const [path, method, { status }] of answers) {
      const responses = Object.keys(paths[path]?.[method]?.responses ?? {});
      const isThere =
        responses.includes(String(status)) ||
        (status >= 400 && status < 500 && responses.includes("4XX"));
      expect([path, method, status, isThere]).toEqual([path, method, status, true]);
    }
  });
});
