import { describe, expect, it } from "vitest";
import { createServer } from "../../../../src/api/server.ts";
import { faultsOf, type OpenAPIDocument } from "../../../support/response-schema.ts";

const { app } = createServer({ health: true, openapi: true, metrics: "open" });

interface Value {
  readonly schema: Readonly<Record<string, unknown>>;
  readonly example?: unknown;
}

interface Body {
  readonly content?: Readonly<Record<string, Value>>;
}

interface Operation {
  readonly summary: string;
  readonly tags: readonly string[];
  readonly parameters?: readonly (Value & {
    readonly name: string;
    readonly description?: string;
  })[];
  readonly requestBody?: Body;
  readonly responses: Readonly<Record<string, Body>>;
}

interface Document extends Pick<OpenAPIDocument, "components"> {
  readonly tags: readonly { readonly name: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly webhooks: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

const document: Document = await (await app.request("/api/openapi.json")).json();

const operations = Object.entries({ ...document.paths, ...document.webhooks }).flatMap(
  ([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      name: `${method.toUpperCase()} ${path}`,
      operation,
    })),
);

/** The parameters and bodies of an operation, by a name for the message of a failure. */
function valuesOf({ parameters = [], requestBody, responses }: Operation): [string, Value][] {
  const bodies = Object.entries({ request: requestBody ?? {}, ...responses });
  return [
    ...parameters.map((one): [string, Value] => [one.name, one]),
    ...bodies.flatMap(([status, { content = {} }]) =>
      Object.entries(content).map(([type, value]): [string, Value] => [`${status} ${type}`, value]),
    ),
  ];
}

describe("the examples of the OpenAPI document", () => {
  it.each(operations)(
    "of $name are there for each parameter and body, and match its schema",
    ({ operation }) => {
      for (const [name, { schema, example }] of valuesOf(operation)) {
        expect([name, example]).not.toEqual([name, undefined]);
        expect([name, ...faultsOf(example, schema, document.components)]).toEqual([name]);
      }
    },
  );

  it("have a description beside each parameter of a path", () => {
    const parameters = Object.values(document.paths).flatMap((methods) =>
      Object.values(methods).flatMap((operation) => operation.parameters ?? []),
    );
    const silent = parameters.filter(
      ({ description, schema }) => (description ?? schema.description) === undefined,
    );
    expect(silent.map(({ name }) => name)).toEqual([]);
  });

  it("are checked: a wrong example has a fault", () => {
    const schema = { $ref: "#/components/schemas/Receipt" };
    expect(faultsOf({ id: 7 }, schema, document.components)).toHaveLength(1);
    expect(faultsOf({ id: "a", other: 1 }, schema, document.components)).toHaveLength(1);
  });

  it("have operations with a short summary, under a tag of the document", () => {
    const tags = document.tags.map(({ name }) => name);
    for (const { name, operation } of operations) {
      expect([name, operation.summary.length > 90]).toEqual([name, false]);
      expect([name, tags]).toEqual([name, expect.arrayContaining([...operation.tags])]);
    }
  });
});
