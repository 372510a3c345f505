/** The collection of a record event: its name or id, or a description. */
import * as v from "valibot";
import { isReservedTopic } from "../../realtime/message.ts";
import { FIELD_TYPES } from "../../realtime/records/collection.ts";
import { MAX_COLLECTION_FIELDS } from "../../realtime/records/limits.ts";
import { MAX_FIELD_NAME, MAX_MESSAGE_ID } from "../limits.ts";
import { object, oneOf, strictObject } from "./objects.ts";
import { isOneLine } from "./subscription-keys.ts";

/** A check for the name of a topic or collection. */
export const isNotReserved = v.check<string, string>(
  (topic) => !isReservedTopic(topic),
  "Is reserved for events of the service. Choose another name.",
);

/** A part of a value, and the schema that the part must match. */
interface Part {
  readonly part: unknown;
  readonly schema: v.GenericSchema;
  /** Where the part is. Absent if the part is the whole value. */
  readonly key?: string | number;
}

/** Checks the parts of a value, and reports only the first fault, so that the errors of a large value stay short. */
function checkParts(split: (value: unknown) => Iterable<Part>) {
  return v.pipe(
    v.unknown(),
    v.rawCheck(({ dataset }) => {
      for (const { part, schema, key } of split(dataset.value)) {
        const [issue] = v.safeParse(schema, part).issues ?? [];
        if (issue === undefined) continue;
        const { value: input } = dataset;
        const place = { type: "unknown", origin: "value", input, key, value: part } as const;
        dataset.issues = [{ ...issue, path: key === undefined ? undefined : [place] }];
        return;
      }
    }),
  );
}

const anyObject = object({});
const fieldName = v.pipe(v.string(), v.minLength(1), v.maxLength(MAX_FIELD_NAME));
const fieldType = oneOf(FIELD_TYPES);
const listOfFields = v.pipe(v.array(v.unknown()), v.maxLength(MAX_COLLECTION_FIELDS));

/** The types of fields. This is not a `v.record`, because a `v.record` does not check a field with the name `__proto__`. */
export const fieldTypesSchema = checkParts(function* (value) {
  yield { part: value, schema: anyObject };
  const fields = Object.entries(Object(value));
  yield { part: fields, schema: listOfFields };
  for (const [name, type] of fields) {
    yield { part: name, schema: fieldName, key: name.slice(0, MAX_FIELD_NAME) };
    yield { part: type, schema: fieldType, key: name };
  }
});

/** The names of fields. */
export const fieldNamesSchema = checkParts(function* (value) {
  yield { part: value, schema: listOfFields };
  for (const [index, name] of Object.entries(Object(value))) {
    yield { part: name, schema: fieldName, key: index };
  }
});

const name = v.pipe(
  v.string(),
  v.minLength(1),
  v.maxLength(MAX_MESSAGE_ID),
  isOneLine,
  isNotReserved,
);

/** The collection of a record event, as `CollectionInput` in realtime/records/collection.ts. */
export const collectionSchema = v.union([
  name,
  strictObject({
    name,
    id: v.optional(name),
    type: v.optional(oneOf(["base", "auth"])),
    fields: v.optional(fieldTypesSchema),
    hidden: v.optional(fieldNamesSchema),
  }),
]);
