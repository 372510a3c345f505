/** Builders for the parts of an OpenAPI document. */
import { mainSchema, type SchemaPart } from "../schemas/objects.ts";
import { isRequired, type JSONObject, toJSONSchema } from "./json-schema.ts";

/** The schemas of simple values. */
export const TEXT: JSONObject = { type: "string" };
export const WHOLE: JSONObject = { type: "integer", minimum: 0 };
export const NUMBER: JSONObject = { type: "number" };
export const TEXTS: JSONObject = { type: "array", items: TEXT };

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
export function queryParameters(schema: SchemaPart): JSONObject[] {
  return Object.entries(mainSchema(schema).entries ?? {}).map(([name, field]) => {
    const own = toJSONSchema(field);
    // A list without `minItems` may be empty: its parameter may be absent.
    const mayBeEmpty = own.type === "array" && own.minItems === undefined;
    return { name, in: "query", schema: own, required: isRequired(field) && !mayBeEmpty };
  });
}
