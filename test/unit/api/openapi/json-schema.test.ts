import { describe, expect, it } from "vitest";
import * as z from "zod/mini";
import { toJSONSchema } from "../../../../src/api/openapi/json-schema.ts";
import { revokeSchema } from "../../../../src/api/routes/admin.ts";
import { subscribeSchema } from "../../../../src/api/routes/subscribe.ts";
import { descriptionOf } from "../../../../src/api/schemas/input-description.ts";
import { recordSchema, topicSchema } from "../../../../src/api/schemas/message.ts";
import { connectSchema, historySchema, pageSchema } from "../../../../src/api/schemas/query.ts";

const limits = { maxSubscriptions: 5, maxTopicLength: 77 };

const SCHEMAS: Readonly<Record<string, z.ZodMiniType>> = {
  "a message to a topic": topicSchema(limits),
  "a record event": recordSchema,
  "the body that sets subscriptions": subscribeSchema(limits),
  "the body that revokes": revokeSchema,
  "the query of a stream": connectSchema(limits),
  "the query of the history": historySchema(limits),
  "the query of a list": pageSchema,
};

describe("the JSON Schema of a request", () => {
  it.each(Object.entries(SCHEMAS))("is zod's own for %s, with the added keywords", (_, schema) => {
    const { $schema, ...expected } = z.toJSONSchema(schema, {
      io: "input",
      unrepresentable: "any",
      override: ({ zodSchema, jsonSchema }) => {
        Object.assign(jsonSchema, descriptionOf(zodSchema));
      },
    });
    expect(toJSONSchema(schema)).toEqual(expected);
  });

  it("is refused for a kind of schema that no request has", () => {
    expect(() => toJSONSchema(z.object({ at: z.date() }))).toThrow('"date"');
  });
});
