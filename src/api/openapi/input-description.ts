/** What the type of a schema does not tell about its input. It is not with the schemas, so that a Worker's bundle lacks it. */
import { FIELD_TYPES } from "../../realtime/records/collection.ts";
import { MAX_COLLECTION_FIELDS } from "../../realtime/records/limits.ts";
import { MAX_TTL } from "../../realtime/topic-rules.ts";
import { MAX_LAST } from "../../realtime/types.ts";
import { LIST_LIMITS } from "../../registry/paging.ts";
import { HISTORY_PAGE, MAX_FIELD_NAME } from "../limits.ts";
import { memberInfoSchema } from "../routes/presence.ts";
import { fieldNamesSchema, fieldTypesSchema } from "../schemas/collection.ts";
import { recordContentSchema, traceparentSchema, ttlSchema } from "../schemas/message.ts";
import type { SchemaPart } from "../schemas/objects.ts";
import {
  envelopeSchema,
  historyLimitSchema,
  lastSchema,
  listLimitSchema,
} from "../schemas/query.ts";

/** Keywords of JSON Schema. */
type InputDescription = Readonly<Record<string, unknown>>;

const FIELD_NAME = { type: "string", minLength: 1, maxLength: MAX_FIELD_NAME };

const descriptions: ReadonlyMap<SchemaPart, InputDescription> = new Map<
  SchemaPart,
  InputDescription
>([
  [lastSchema, wholeNumber(0, MAX_LAST)],
  [historyLimitSchema, wholeNumber(1, HISTORY_PAGE.max)],
  [listLimitSchema, wholeNumber(1, LIST_LIMITS.max)],
  [ttlSchema, wholeNumber(1, MAX_TTL)],
  [
    traceparentSchema,
    {
      type: "string",
      description:
        "The trace context of the message (W3C Trace Context). Default: the header `traceparent` of the request.",
    },
  ],
  [
    envelopeSchema,
    {
      description:
        'Whether the data of each message is `{"topic","id","at","data"}`, with `traceparent` if the message belongs to a trace. The option `envelope` of a key takes precedence.',
    },
  ],
  [memberInfoSchema, { type: "object" }],
  [recordContentSchema, { additionalProperties: {} }],
  [
    fieldTypesSchema,
    {
      type: "object",
      maxProperties: MAX_COLLECTION_FIELDS,
      propertyNames: FIELD_NAME,
      additionalProperties: { enum: FIELD_TYPES },
    },
  ],
  [fieldNamesSchema, { type: "array", maxItems: MAX_COLLECTION_FIELDS, items: FIELD_NAME }],
]);

function wholeNumber(minimum: number, maximum: number): InputDescription {
  return { type: "integer", minimum, maximum };
}

/** The keywords that the input of a schema has besides those of its type. */
export function descriptionOf(schema: SchemaPart): InputDescription | undefined {
  return descriptions.get(schema);
}
