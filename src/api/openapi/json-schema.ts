import type * as z from "zod/mini";
import { descriptionOf } from "../schemas/input-description.ts";

/** A JSON Schema, or another part of an OpenAPI document. */
export type JSONObject = Readonly<Record<string, unknown>>;

/**
 * The input of a zod schema as JSON Schema 2020-12, with the keywords of `describeInput`. Apart from these keywords, the result
 * is that of `z.toJSONSchema`, which would leave out limits that are placeholders (template.ts).
 *
 * @throws Error for a kind of schema that `describe` does not know.
 */
export function toJSONSchema(schema: z.core.$ZodType): JSONObject {
  return { ...describe(schema), ...descriptionOf(schema) };
}

function describe(schema: z.core.$ZodType): JSONObject {
  // Every schema is one of zod's own (`$ZodTypes`). Their `type` tells them apart: https://zod.dev/library-authors
  const { def } = (schema as z.core.$ZodTypes)._zod;
  switch (def.type) {
    case "boolean":
      return { type: "boolean" };
    case "string":
      return { type: "string", ...lengthLimits(def, "Length") };
    case "enum":
      return { type: "string", enum: Object.values(def.entries) };
    case "array":
      return { type: "array", items: toJSONSchema(def.element), ...lengthLimits(def, "Items") };
    case "object":
      return describeObject(def);
    case "union":
      return { anyOf: def.options.map(toJSONSchema) };
    case "optional":
      return toJSONSchema(def.innerType);
    case "nullable":
      return { anyOf: [toJSONSchema(def.innerType), { type: "null" }] };
    case "custom":
    case "transform":
    case "unknown":
      return {};
    default:
      throw new Error(`Schemas of the type "${def.type}" have no JSON Schema yet. Add them here.`);
  }
}

function describeObject({ shape, catchall }: z.core.$ZodObjectDef): JSONObject {
  const fields = Object.entries(shape);
  const required = fields.filter(([, field]) => isRequired(field));
  return {
    type: "object",
    properties: Object.fromEntries(fields.map(([name, field]) => [name, toJSONSchema(field)])),
    ...(required.length > 0 && { required: required.map(([name]) => name) }),
    ...(catchall && {
      additionalProperties: catchall._zod.def.type !== "never" && toJSONSchema(catchall),
    }),
  };
}

/** Whether a field of an object must be there. */
export function isRequired(field: z.core.$ZodType): boolean {
  return field._zod.def.type !== "optional";
}

/** The limits of a string's or array's length, for example `minLength` and `maxLength`. */
function lengthLimits({ checks = [] }: z.core.$ZodTypeDef, unit: "Length" | "Items"): JSONObject {
  const limits: Record<string, number> = {};
  for (const check of checks) {
    // As above: every check is one of zod's own, or a custom check. The `check` of a custom check is "custom".
    const { def } = (check as z.core.$ZodChecks)._zod;
    if (def.check === "min_length") limits[`min${unit}`] = def.minimum;
    if (def.check === "max_length") limits[`max${unit}`] = def.maximum;
  }
  return limits;
}
