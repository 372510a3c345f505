import type { SchemaPart } from "./objects.ts";

/** Keywords of JSON Schema for the input of a schema. Needed where the type of the schema does not tell what the input is. */
export type InputDescription = Readonly<Record<string, unknown>>;

const descriptions = new WeakMap<SchemaPart, InputDescription>();

/** Adds keywords to the JSON Schema of a schema, for OpenAPI. Returns the schema. */
export function describeInput<T extends SchemaPart>(schema: T, description: InputDescription): T {
  descriptions.set(schema, description);
  return schema;
}

/** The keywords that `describeInput` has added. */
export function descriptionOf(schema: SchemaPart): InputDescription | undefined {
  return descriptions.get(schema);
}
