/** The collection of a record event: its name or id, or a description. */
import * as z from "zod/mini";
import { isReservedTopic } from "../../realtime/message.ts";
import { FIELD_TYPES } from "../../realtime/records/collection.ts";
import { MAX_COLLECTION_FIELDS } from "../../realtime/records/limits.ts";
import { MAX_FIELD_NAME, MAX_MESSAGE_ID } from "../limits.ts";
import { describeInput } from "./input-description.ts";
import { isOneLine } from "./subscription-keys.ts";

/** A check for the name of a topic or collection. */
export const isNotReserved: z.core.$ZodCheck<string> = z.refine<string>(
  (topic) => !isReservedTopic(topic),
  "Is reserved for events of the service. Choose another name.",
);

type RawIssue = z.core.$ZodRawIssue;

/** Reports at most one faulty member, so that the errors of a large value stay short. */
function member(findIssue: (value: unknown) => RawIssue | undefined): z.ZodMiniCustom<unknown> {
  return z.custom<unknown>().check(({ value, issues }) => {
    const issue = findIssue(value);
    if (issue !== undefined) issues.push(issue);
  });
}

const FIELD_NAME = { type: "string", minLength: 1, maxLength: MAX_FIELD_NAME };

/**
 * The types of fields. This is not a `z.record`, because a `z.record` does not check a field with the name `__proto__`.
 */
const fieldTypes = describeInput(
  member((input) => {
    if (typeof input !== "object" || input === null || Array.isArray(input)) {
      return { code: "invalid_type", expected: "object", input };
    }
    const fields = Object.entries(input);
    if (fields.length > MAX_COLLECTION_FIELDS) return tooLong(MAX_COLLECTION_FIELDS, input);
    for (const [name, type] of fields) {
      const fault = faultOfName(name, name.slice(0, MAX_FIELD_NAME));
      if (fault !== undefined) return fault;
      if (!FIELD_TYPES.includes(type)) {
        return { code: "invalid_value", values: [...FIELD_TYPES], input: type, path: [name] };
      }
    }
    return undefined;
  }),
  {
    type: "object",
    maxProperties: MAX_COLLECTION_FIELDS,
    propertyNames: FIELD_NAME,
    additionalProperties: { enum: FIELD_TYPES },
  },
);

const fieldNames = describeInput(
  member((input) => {
    if (!Array.isArray(input)) return { code: "invalid_type", expected: "array", input };
    if (input.length > MAX_COLLECTION_FIELDS) return tooLong(MAX_COLLECTION_FIELDS, input);
    for (const [index, name] of input.entries()) {
      const fault = faultOfName(name, index);
      if (fault !== undefined) return fault;
    }
    return undefined;
  }),
  {
    type: "array",
    maxItems: MAX_COLLECTION_FIELDS,
    items: FIELD_NAME,
  },
);

/** The issue with the name of a field. `key` says where the name is: its place in the list, or the name itself in an object. */
function faultOfName(input: unknown, key: string | number): RawIssue | undefined {
  const path = [key];
  if (typeof input !== "string") return { code: "invalid_type", expected: "string", input, path };
  if (input === "") return { code: "too_small", origin: "string", minimum: 1, input, path };
  return input.length > MAX_FIELD_NAME ? tooLong(MAX_FIELD_NAME, input, path) : undefined;
}

function tooLong(maximum: number, input: unknown, path: PropertyKey[] = []): RawIssue {
  return { code: "too_big", origin: "array", maximum, input, path };
}

const name = z
  .string()
  .check(z.minLength(1), z.maxLength(MAX_MESSAGE_ID), isOneLine, isNotReserved);

/** The collection of a record event, as `CollectionInput` in realtime/records/collection.ts. */
export const collectionSchema = z.union([
  name,
  z.strictObject({
    name,
    id: z.optional(name),
    type: z.optional(z.enum(["base", "auth"])),
    fields: z.optional(fieldTypes),
    hidden: z.optional(fieldNames),
  }),
]);
