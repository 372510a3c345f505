import type { Dom } from "../dom.ts";
import type { Schema } from "./document.ts";
import type { Markdown } from "./markdown.ts";

/** Shows schemas. */
export type SchemaView = ReturnType<typeof createSchemaView>;

/** Makes lists of the fields of a schema, with the type, the limits and the description of each. */
export function createSchemaView(
  { create, append }: Pick<Dom, "create" | "append">,
  { inline }: Markdown,
) {
  const refName = (schema: Schema): string | undefined => schema.$ref?.split("/").at(-1);

  /** The types without `null`. */
  const typesOf = ({ type = [] }: Schema): readonly string[] => [type].flat();

  const range = (min: unknown, max: unknown, unit: string): string[] => {
    if (min !== undefined && max !== undefined) return [`${min} to ${max}${unit}`];
    if (max !== undefined) return [`at most ${max}${unit}`];
    return min === undefined || (min === 0 && unit === "") ? [] : [`at least ${min}${unit}`];
  };

  const limitsOf = (schema: Schema): string =>
    [
      ...(schema.const === undefined ? [] : [JSON.stringify(schema.const)]),
      ...(Array.isArray(schema.enum) ? [`one of ${schema.enum.join(", ")}`] : []),
      ...(schema.format === undefined ? [] : [String(schema.format)]),
      ...range(schema.minimum, schema.maximum, ""),
      ...range(schema.minLength, schema.maxLength, " characters"),
      ...range(schema.minItems, schema.maxItems, " items"),
      ...range(schema.minProperties, schema.maxProperties, " fields"),
    ].join(", ");

  /** Adds the type of a schema to an element, for example "list of Message, at most 7 items". */
  const addType = (parent: HTMLElement, schema: Schema): HTMLElement => {
    const name = refName(schema);
    const { anyOf = [], items } = schema;
    if (name !== undefined) {
      const link = create("a", name);
      link.setAttribute("href", `#schema-${name}`);
      append(parent, link);
      return parent;
    }
    for (const [index, option] of anyOf.entries()) {
      if (index > 0) append(parent, create("span", " or "));
      addType(parent, option);
    }
    if (anyOf.length > 0) return parent;
    const isList = typesOf(schema).includes("array");
    const words = typesOf(schema).join(" or ") || (limitsOf(schema) === "" ? "any JSON" : "");
    append(parent, create("span", isList ? "list of " : words));
    if (isList) addType(parent, items ?? {});
    const limits = limitsOf(schema);
    if (limits !== "") append(parent, create("span", words === "" ? limits : `, ${limits}`));
    return parent;
  };

  /** The schema that has the fields below a field: its own schema, or that of a list's items or of an option. */
  const innerOf = (schema: Schema): Schema | undefined => {
    if (schema.properties !== undefined) return schema;
    const inner = [schema.items ?? [], schema.anyOf ?? []].flat();
    return inner.map(innerOf).find((found) => found !== undefined);
  };

  /** One field, or a parameter of a request. */
  const field = (name: string, schema: Schema, note: string, description = ""): HTMLElement => {
    const item = create("li");
    const type = addType(create("span", "", "type"), schema);
    append(item, create("code", name, "name"), type);
    if (note !== "") append(item, create("span", note, "note"));
    const text = description || schema.description || "";
    if (text !== "") append(item, inline(create("p"), text));
    const inner = innerOf(schema);
    if (inner !== undefined) append(item, fields(inner));
    return item;
  };

  /** The fields of an object. */
  const fields = ({ properties = {}, required = [] }: Schema): HTMLElement => {
    const list = create("ul", "", "fields");
    for (const [name, schema] of Object.entries(properties)) {
      append(list, field(name, schema, required.includes(name) ? "required" : ""));
    }
    return list;
  };

  /** A schema by itself: its type, its description and its fields. */
  const view = (schema: Schema): HTMLElement => {
    const element = create("div");
    append(element, addType(create("p", "", "type"), schema));
    if (schema.description) append(element, inline(create("p"), schema.description));
    const inner = innerOf(schema);
    if (inner !== undefined) append(element, fields(inner));
    return element;
  };

  return { field, view };
}
