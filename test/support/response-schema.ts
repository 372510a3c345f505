/** Checks real responses against the schemas of an OpenAPI document. */
import { fromJSONSchema } from "zod";

type JSONObject = Readonly<Record<string, unknown>>;

interface Operation {
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema: JSONObject }>> }>
  >;
}

/** The part of the document that the checks read. */
export interface OpenAPIDocument {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, JSONObject>> };
}

/**
 * The differences between a response and its description in the document: a status or content type that is not described, or
 * a body that does not match its schema. A property that the schema does not name is a difference.
 */
export async function differencesFrom(
  { paths, components }: OpenAPIDocument,
  path: string,
  method: string,
  response: Response,
): Promise<string[]> {
  const { responses } = paths[path]?.[method] ?? { responses: {} };
  const range = `${Math.floor(response.status / 100)}XX`;
  const described = responses[response.status] ?? responses[range];
  if (described === undefined) return [`status ${response.status} is not described`];
  const type = response.headers.get("Content-Type")?.split(";")[0] ?? "";
  const body = await response.text();
  if (described.content === undefined) return body === "" ? [] : ["a body is not described"];
  const content = described.content[type];
  if (content === undefined) return [`the content type ${type} is not described`];
  if (type !== "application/json") return [];
  return faultsOf(JSON.parse(body), content.schema, components);
}

/** The faults of a value by a schema of the document. A property that the schema does not name is a fault. */
export function faultsOf(
  value: unknown,
  schema: JSONObject,
  { schemas }: OpenAPIDocument["components"],
): string[] {
  const strict = fromJSONSchema({
    ...toStrict(schema),
    $defs: Object.fromEntries(Object.entries(schemas).map(([name, own]) => [name, toStrict(own)])),
  });
  const { error } = strict.safeParse(value);
  return error?.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`) ?? [];
}

/** The schema with `additionalProperties: false` wherever properties are named, and with references to `$defs`. */
function toStrict(schema: JSONObject): JSONObject {
  const strict = Object.fromEntries(
    Object.entries(schema).map(([name, value]) => [name, strictValue(value)]),
  );
  if (typeof schema.$ref === "string") {
    strict.$ref = schema.$ref.replace("#/components/schemas/", "#/$defs/");
  }
  const isOpen = schema.properties === undefined || schema.additionalProperties !== undefined;
  return isOpen ? strict : { ...strict, additionalProperties: false };
}

function strictValue(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(strictValue);
  return typeof value === "object" && value !== null ? toStrict({ ...value }) : value;
}
