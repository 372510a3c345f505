import { mainSchema, type SchemaPart } from "../schemas/objects.ts";
import { descriptionOf } from "./input-description.ts";

/** A JSON Schema, or another part of an OpenAPI document. */
export type JSONObject = Readonly<Record<string, unknown>>;

/**
 * The input of a schema as JSON Schema 2020-12, with the keywords of `descriptionOf`. Apart from these keywords, the result is that
 * of `@valibot/to-json-schema`, which would refuse limits that are placeholders (template.ts).
 *
 * @throws Error for a kind of schema that `describe` does not know.
 */
export function toJSONSchema(schema: SchemaPart): JSONObject {
  const { pipe = [] } = schema;
  const inner = pipe.findLast(({ kind }) => kind === "schema");
  const own = inner === undefined ? describe(schema) : toJSONSchema(inner);
  return { ...own, ...lengthLimits(pipe, own.type), ...descriptionOf(schema) };
}

function describe({ type, entries, item, wrapped, options = [] }: SchemaPart): JSONObject {
  switch (type) {
    case "boolean":
    case "string":
      return { type };
    case "picklist":
      return { type: "string", enum: options };
    case "array":
      return { type, ...(item && { items: toJSONSchema(item) }) };
    case "object":
    case "strict_object":
      return describeObject(type, entries);
    case "union":
      return { anyOf: options.map((option) => typeof option !== "string" && toJSONSchema(option)) };
    case "optional":
      return wrapped === undefined ? {} : toJSONSchema(wrapped);
    case "nullish":
      return { anyOf: [wrapped && toJSONSchema(wrapped), { type: "null" }] };
    case "custom":
    case "unknown":
      return {};
    default:
      throw new Error(`Schemas of the type "${type}" have no JSON Schema yet. Add them here.`);
  }
}

function describeObject(type: string, entries: SchemaPart["entries"] = {}): JSONObject {
  const fields = Object.entries(entries);
  const required = fields.filter(([, field]) => isRequired(field));
  return {
    type: "object",
    properties: Object.fromEntries(fields.map(([name, field]) => [name, toJSONSchema(field)])),
    ...(required.length > 0 && { required: required.map(([name]) => name) }),
    ...(type === "strict_object" && { additionalProperties: false }),
  };
}

/** Whether a field of an object must be there. */
export function isRequired(field: SchemaPart): boolean {
  const { type } = mainSchema(field);
  return type !== "optional" && type !== "nullish";
}

/** The limits of a string's or array's length, for example `minLength` and `maxLength`. */
function lengthLimits(pipe: readonly SchemaPart[], type: unknown): JSONObject {
  const unit = type === "array" ? "Items" : "Length";
  const limits: Record<string, unknown> = {};
  for (const action of pipe) {
    if (action.type === "min_length") limits[`min${unit}`] = action.requirement;
    if (action.type === "max_length") limits[`max${unit}`] = action.requirement;
  }
  return limits;
}
