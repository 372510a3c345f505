/** Builders for the parts of an OpenAPI document. */
import * as z from "zod/mini";

/** A part of the document. */
export type JSONObject = Readonly<Record<string, unknown>>;

/** The schemas of simple values. */
export const TEXT: JSONObject = { type: "string" };
export const WHOLE: JSONObject = { type: "integer", minimum: 0 };
export const NUMBER: JSONObject = { type: "number" };
export const TEXTS: JSONObject = { type: "array", items: TEXT };

/** The input of a zod schema as JSON Schema 2020-12, which is the dialect of OpenAPI 3.1. */
export function schemaOf(schema: z.ZodMiniType): JSONObject {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" });
  return rest;
}

/** A reference to a schema in `components`. */
export function ref(name: string): JSONObject {
  return { $ref: `#/components/schemas/${name}` };
}

/** An object whose properties are all required, except the `optional` ones. */
export function objectOf(
  properties: Readonly<Record<string, JSONObject>>,
  optional: readonly string[] = [],
): JSONObject {
  const required = Object.keys(properties).filter((name) => !optional.includes(name));
  return { type: "object", properties, required };
}

/** Content of type `application/json`. */
export function json(schema: JSONObject): JSONObject {
  return { "application/json": { schema } };
}

/** A response, with a JSON body if a schema is given. */
export function response(description: string, schema?: JSONObject): JSONObject {
  return schema === undefined ? { description } : { description, content: json(schema) };
}

/** The parameters of a query, by the schema of the whole query. */
export function queryParameters(schema: z.ZodMiniObject): JSONObject[] {
  const { properties = {}, required = [] } = z.toJSONSchema(schema, { io: "input" });
  return Object.entries(properties).map(([name, own]) => {
    // A list without `minItems` may be empty, and then its parameter is absent.
    const mayBeEmpty = typeof own !== "object" || own.minItems === undefined;
    return { name, in: "query", schema: own, required: required.includes(name) && !mayBeEmpty };
  });
}
