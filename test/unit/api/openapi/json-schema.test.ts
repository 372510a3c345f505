import * as v from "valibot";
import { describe, expect, it } from "vitest";
import { toJSONSchema } from "../../../../src/api/openapi/json-schema.ts";
import { revokeSchema } from "../../../../src/api/routes/admin.ts";
import { subscribeSchema } from "../../../../src/api/routes/subscribe.ts";
import { recordSchema, topicSchema } from "../../../../src/api/schemas/message.ts";
import { object, type SchemaPart } from "../../../../src/api/schemas/objects.ts";
import { connectSchema, historySchema, pageSchema } from "../../../../src/api/schemas/query.ts";

const limits = { maxSubscriptions: 5, maxTopicLength: 77 };
const id = { type: "string", minLength: 1, maxLength: 255 };
const keys = { type: "array", maxItems: 5, items: { type: "string", maxLength: 77 } };
const cursor = { type: "string", maxLength: 255 };

const SCHEMAS: readonly [name: string, schema: SchemaPart, expected: object][] = [
  [
    "a message to a topic",
    topicSchema(limits),
    {
      type: "object",
      properties: {
        id,
        private: { type: "boolean" },
        ttl: { type: "integer", minimum: 1, maximum: 31_536_000 },
        traceparent: { type: "string", description: expect.stringContaining("W3C Trace Context") },
        topic: { type: "string", minLength: 1, maxLength: 77 },
        data: {},
      },
      required: ["topic", "data"],
      additionalProperties: false,
    },
  ],
  [
    "the body that sets subscriptions",
    subscribeSchema(limits),
    {
      type: "object",
      properties: {
        clientId: { type: "string", minLength: 1, maxLength: 255 },
        subscriptions: { anyOf: [keys, { type: "null" }] },
        lastEventId: { anyOf: [cursor, { type: "null" }] },
      },
      required: ["clientId"],
      additionalProperties: false,
    },
  ],
  [
    "the body that revokes",
    revokeSchema,
    {
      type: "object",
      properties: {
        subject: { type: "string", minLength: 1, maxLength: 1024 },
        clientId: { type: "string", minLength: 1, maxLength: 255 },
      },
      additionalProperties: false,
    },
  ],
  [
    "the query of the history",
    historySchema(limits),
    {
      type: "object",
      properties: {
        topic: { ...keys, minItems: 1 },
        after: cursor,
        before: cursor,
        limit: { type: "integer", minimum: 1, maximum: 1000 },
      },
      required: ["topic"],
    },
  ],
];

describe("the JSON Schema of a request", () => {
  it.each(SCHEMAS)("says what is checked of %s", (_, schema, expected) => {
    expect(toJSONSchema(schema)).toEqual(expected);
  });

  it("exists for each of the others", () => {
    for (const schema of [recordSchema, connectSchema(limits), pageSchema]) {
      expect(toJSONSchema(schema)).toMatchObject({ type: "object", properties: {} });
    }
  });

  it("allows further fields where the service ignores or keeps them", () => {
    const field = { type: "object", properties: { a: { type: "string" } }, required: ["a"] };
    expect(toJSONSchema(object({ a: v.string() }))).toEqual(field);
    expect(toJSONSchema(recordSchema)).toMatchObject({
      properties: { record: { type: "object", additionalProperties: {} } },
    });
  });

  it("is refused for a kind of schema that no request has", () => {
    expect(() => toJSONSchema(object({ at: v.date() }))).toThrow('"date"');
  });
});
