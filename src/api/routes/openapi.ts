/** The OpenAPI document, made of the schemas that requests are checked with. */
import type { Handler } from "hono";
import * as z from "zod/mini";
import type { RequestLimits } from "../limits.ts";
import { connectSchema } from "../schemas/query.ts";
import { pageSchema, revokeSchema } from "./admin.ts";
import { historySchema } from "./history.ts";
import { recordSchema, topicSchema } from "./publish.ts";
import { subscribeSchema } from "./subscribe.ts";

type JSONObject = Readonly<Record<string, unknown>>;

/** `GET /api/openapi.json`. https://spec.openapis.org/oas/v3.1.1.html */
export function showOpenAPI(limits: RequestLimits, isServed: (path: string) => boolean): Handler {
  let document: JSONObject | undefined;
  return (c) => {
    // Relative to the document's own address, so it holds under any base path and behind a proxy that removes a prefix.
    document ??= { ...openAPI(limits, isServed), servers: [{ url: ".." }] };
    return c.json(document);
  };
}

/** What a request may be, as JSON Schema 2020-12: OpenAPI 3.1's own. */
function schemaOf(schema: z.ZodMiniType): JSONObject {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" });
  return rest;
}

const json = (schema: JSONObject): JSONObject => ({ "application/json": { schema } });
const ref = (name: string): JSONObject => ({ $ref: `#/components/schemas/${name}` });
const answer = (description: string, schema?: JSONObject): JSONObject =>
  schema === undefined ? { description } : { description, content: json(schema) };

const WHOLE = { type: "integer", minimum: 0 };
const TEXT = { type: "string" };
const pageOf = (name: string, items: JSONObject): JSONObject => ({
  type: "object",
  properties: {
    [name]: { type: "array", items },
    next: {
      ...TEXT,
      description: "The value of `after` for the next page. Absent on the last page.",
    },
  },
  required: [name],
});

/** Parameters of a query from the schema of all of it. */
function query(schema: z.ZodMiniType): JSONObject[] {
  const { properties = {}, required = [] } = schemaOf(schema) as {
    properties?: Record<string, JSONObject>;
    required?: readonly string[];
  };
  return Object.entries(properties).map(([name, own]) => ({
    ...{ name, in: "query", schema: own },
    // A list of keys may be empty, and then it is absent.
    required: required.includes(name) && own.minItems !== undefined,
  }));
}

const CLIENT_ID = { name: "id", in: "path", required: true, schema: TEXT };
const LAST_EVENT_ID = [
  {
    name: "Last-Event-ID",
    in: "header",
    schema: TEXT,
    description: "The id of the last event that arrived. Events after it are sent first.",
  },
  {
    name: "lastEventId",
    in: "query",
    schema: TEXT,
    description: "The same, for clients that can't set a header.",
  },
];

/** Answers that any request may get. */
const REFUSALS = {
  "4XX": answer(
    "Refused. `message` says why and what to do, and `data` names the faulty fields.",
    ref("Error"),
  ),
  "503": answer("Not available right now. Try again after `Retry-After` seconds.", ref("Error")),
};
const ADMIN = { security: [{ bearer: [] }], tags: ["administration"] };
const OPEN = { security: [{}, { bearer: [] }], tags: ["realtime"] };

/**
 * The whole document, but for where it is served.
 *
 * @param isServed Whether this service has a path: some are options.
 */
export function openAPI(limits: RequestLimits, isServed: (path: string) => boolean): JSONObject {
  const { paths, ...rest } = wholeOpenAPI(limits);
  const served = Object.entries(paths as JSONObject).filter(([path]) => isServed(path));
  return { ...rest, paths: Object.fromEntries(served) };
}

function wholeOpenAPI(limits: RequestLimits): JSONObject {
  const message = { anyOf: [ref("Message"), ref("RecordEvent")] };
  const operation = (summary: string, rest: JSONObject, responses: JSONObject): JSONObject => ({
    ...{ summary, ...rest },
    responses: { ...responses, ...REFUSALS },
  });
  const body = (schema: JSONObject): JSONObject => ({ required: true, content: json(schema) });
  const health = answer("The service is healthy.", {
    type: "object",
    properties: { code: WHOLE, message: TEXT, data: { type: "object" } },
  });
  const plain = { security: [{}], tags: ["operation"] };
  return {
    openapi: "3.1.1",
    info: {
      title: "Pocketwire",
      version: "0.1.0",
      license: { name: "MIT", identifier: "MIT" },
      description: "Live updates over Server-Sent Events, in PocketBase's realtime protocol.",
    },
    tags: [{ name: "realtime" }, { name: "administration" }, { name: "operation" }],
    paths: {
      "/api/realtime": {
        get: operation(
          "Open a stream of events. The first event is PB_CONNECT, with the client id. A refusal for a temporary reason is answered 200 too: a comment with the reason, then `retry:`, then the end.",
          {
            ...OPEN,
            operationId: "connect",
            parameters: [...query(connectSchema(limits)), ...LAST_EVENT_ID],
          },
          {
            "200": {
              description: "Events, until either side ends the stream.",
              content: { "text/event-stream": { schema: TEXT } },
            },
          },
        ),
        post: operation(
          "Replace the subscriptions of a client. A form (urlencoded or multipart) is taken as well.",
          {
            ...OPEN,
            operationId: "subscribe",
            requestBody: body(schemaOf(subscribeSchema(limits))),
          },
          { "204": answer("The subscriptions are set.") },
        ),
      },
      "/api/realtime/messages": {
        get: operation(
          "Read the history of topics. Without `after` and `before`: the newest page.",
          { ...OPEN, operationId: "history", parameters: query(historySchema(limits)) },
          { "200": answer("A page of messages, oldest first.", ref("History")) },
        ),
        post: operation(
          "Publish one message, or a list that is taken as a whole or not at all.",
          {
            ...{ ...OPEN, security: [{ bearer: [] }] },
            operationId: "publish",
            requestBody: body({
              anyOf: [message, { type: "array", items: message, maxItems: limits.maxBatch }],
            }),
          },
          {
            "200": answer("The log has the messages.", {
              anyOf: [ref("Receipt"), { type: "array", items: ref("Receipt") }],
            }),
            "409": answer(
              "An earlier message has the same id and other content (in a list: 400).",
              ref("Error"),
            ),
          },
        ),
      },
      "/api/realtime/clients": {
        get: operation(
          "List clients, page by page.",
          { ...ADMIN, operationId: "listClients", parameters: query(pageSchema) },
          { "200": answer("A page.", pageOf("clients", ref("Client"))) },
        ),
      },
      "/api/realtime/clients/{id}": {
        get: operation(
          "Read one client.",
          { ...ADMIN, operationId: "readClient", parameters: [CLIENT_ID] },
          { "200": answer("The client.", ref("Client")) },
        ),
        delete: operation(
          "End a client's stream.",
          { ...ADMIN, operationId: "disconnectClient", parameters: [CLIENT_ID] },
          { "204": answer("The stream has ended.") },
        ),
      },
      "/api/realtime/topics": {
        get: operation(
          "List the topics that have subscribers, page by page.",
          { ...ADMIN, operationId: "listTopics", parameters: query(pageSchema) },
          {
            "200": answer(
              "A page.",
              pageOf("topics", {
                type: "object",
                properties: { topic: TEXT, subscriptions: WHOLE },
              }),
            ),
          },
        ),
      },
      "/api/realtime/revoke": {
        post: operation(
          "Revoke a user: ends all streams of the user and refuses the tokens issued so far. Or end one stream.",
          { ...ADMIN, operationId: "revoke", requestBody: body(schemaOf(revokeSchema)) },
          {
            "200": answer("The number of streams that were ended.", {
              type: "object",
              properties: { disconnected: WHOLE },
            }),
          },
        ),
      },
      "/api/realtime/stats": {
        get: operation(
          "Read the counts of the service.",
          { ...ADMIN, operationId: "stats" },
          { "200": answer("Counts as of now, and since the start.", { type: "object" }) },
        ),
      },
      "/api/health": {
        get: operation(
          "Check that the service answers.",
          { ...plain, operationId: "health" },
          { "200": health },
        ),
      },
      "/api/health/ready": {
        get: operation(
          "Check that the service takes clients and messages.",
          { ...plain, operationId: "ready" },
          { "200": health },
        ),
      },
      "/api/openapi.json": {
        get: operation(
          "This document.",
          { ...plain, operationId: "openapi" },
          { "200": answer("The document.", { type: "object" }) },
        ),
      },
      "/metrics": {
        get: operation(
          "Read the metrics for Prometheus.",
          { ...ADMIN, operationId: "metrics" },
          {
            "200": {
              description: "Text-based format 0.0.4.",
              content: { "text/plain": { schema: TEXT } },
            },
          },
        ),
      },
    },
    components: {
      securitySchemes: {
        bearer: {
          type: "http",
          scheme: "bearer",
          description: "The admin key, or a user's token.",
        },
      },
      schemas: {
        Message: schemaOf(topicSchema(limits)),
        RecordEvent: schemaOf(recordSchema),
        Receipt: {
          type: "object",
          properties: {
            id: TEXT,
            duplicate: {
              const: true,
              description: "The message was published before, and is not delivered again.",
            },
          },
          required: ["id"],
        },
        History: {
          type: "object",
          properties: {
            messages: {
              type: "array",
              items: {
                type: "object",
                properties: {
                  cursor: TEXT,
                  at: { ...TEXT, format: "date-time" },
                  id: TEXT,
                  topics: { type: "array", items: TEXT },
                  data: {},
                },
              },
            },
            cursor: {
              ...TEXT,
              description:
                "The cursor behind this page. Read on `after` it, or open a stream with it as `lastEventId`.",
            },
          },
          required: ["messages"],
        },
        Client: {
          type: "object",
          properties: {
            ...{ clientId: TEXT, ip: TEXT, identity: TEXT },
            ...{
              subscriptions: { type: "array", items: TEXT },
              rights: { type: "array", items: TEXT },
            },
            ...{ connectedAt: WHOLE, lastActivityAt: WHOLE, bufferedBytes: WHOLE },
          },
          required: ["clientId", "subscriptions"],
        },
        Error: {
          type: "object",
          properties: {
            status: WHOLE,
            message: TEXT,
            data: { type: "object", description: "The faults, keyed by field." },
          },
          required: ["status", "message", "data"],
        },
      },
    },
  };
}
