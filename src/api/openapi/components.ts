import { ASKS } from "../callbacks/options.ts";
import type { RequestLimits } from "../limits.ts";
import { recordSchema, topicSchema } from "../schemas/message.ts";
import {
  CALLBACK_COUNTS,
  COUNTS,
  DISCONNECTS,
  HISTORY_COUNTS,
  KEPT_COUNTS,
  KEY_COUNTS,
  RATE_REFUSALS,
  type Statistic,
} from "../statistics.ts";
import { type JSONObject, toJSONSchema } from "./json-schema.ts";
import { NUMBER, objectOf, TEXT, TEXTS, WHOLE } from "./schema.ts";

const NEXT = {
  ...TEXT,
  description: "The value of `after` for the next page. Absent on the last page.",
};

const TIME = { ...WHOLE, description: "Milliseconds since 1970." };

const CLIENT = objectOf(
  {
    clientId: TEXT,
    ip: TEXT,
    identity: { ...TEXT, description: "The user. Absent for a guest." },
    rights: { ...TEXTS, description: "Patterns of topics whose private messages the client gets." },
    subscriptions: TEXTS,
    connectedAt: TIME,
    lastActivityAt: TIME,
    expiresAt: {
      ...TIME,
      description: "When the client's credential expires, in milliseconds since 1970.",
    },
    bufferedBytes: { ...WHOLE, description: "Bytes that the client has not taken yet." },
  },
  ["ip", "identity", "expiresAt"],
);

const MESSAGES = {
  type: "array",
  description: "The messages of the page, oldest first.",
  items: objectOf(
    {
      cursor: { ...TEXT, description: "The cursor of this message." },
      at: { ...TEXT, format: "date-time", description: "When the message was published." },
      id: TEXT,
      topics: TEXTS,
      traceparent: {
        ...TEXT,
        description:
          "The trace context of the message (W3C Trace Context). Absent if the message belongs to no trace.",
      },
      data: {},
    },
    ["traceparent"],
  ),
};

const HISTORY = objectOf({
  messages: MESSAGES,
  cursor: {
    ...TEXT,
    description:
      "The cursor after the last message of the page. Send it as `after` to read on, or open a stream with it as `lastEventId`.",
  },
  more: {
    type: "boolean",
    description:
      "Whether the history has more messages: newer messages if the request has `after`, otherwise older messages.",
  },
});

const GUESTS = { ...WHOLE, description: "Streams without an identity." };

const TOPIC = objectOf(
  {
    topic: TEXT,
    subscriptions: WHOLE,
    members: { ...WHOLE, description: "Absent for a topic without presence." },
    guests: GUESTS,
  },
  ["members", "guests"],
);

const PRESENCE = objectOf(
  {
    topic: TEXT,
    members: {
      type: "array",
      description: "The members by the time of joining. Absent in a topic with more than 1,000.",
      items: objectOf({ id: TEXT, info: { type: "object" }, since: TIME }),
    },
    count: { ...WHOLE, description: "Number of members." },
    guests: GUESTS,
  },
  ["members"],
);

const BY_LABEL = { type: "object", additionalProperties: WHOLE };

const KEPT = objectOf(described(KEPT_COUNTS));

const TOPIC_RULES = objectOf(
  {
    rules: {
      type: "array",
      description: "The rules, in their order.",
      items: objectOf(
        {
          match: TEXT,
          keep: WHOLE,
          private: { type: "boolean" },
          presence: { type: "boolean" },
          ttl: { ...WHOLE, description: "Seconds." },
        },
        ["keep", "private", "presence", "ttl"],
      ),
    },
    kept: KEPT,
    topic: { ...TEXT, description: "The topic of the request." },
    rule: {
      type: ["integer", "null"],
      description: "The index of the rule that applies to the topic. Null if none does.",
    },
  },
  ["topic", "rule"],
);

const CALLBACK_LIST = objectOf({
  callbacks: {
    type: "array",
    items: objectOf(
      {
        at: { ...TEXT, format: "date-time", description: "When it ended." },
        type: { enum: [...ASKS, "tell"], description: "`tell`: a batch of events." },
        count: { ...WHOLE, description: "Subscription keys, messages or events." },
        outcome: {
          enum: ["allowed", "refused", "delivered", "failed"],
          description: "`failed`: there was no valid answer.",
        },
        milliseconds: WHOLE,
        cached: { type: "boolean", description: "Whether an earlier answer was used." },
        attempt: { ...WHOLE, description: "Attempt to deliver the batch, from 1." },
      },
      ["cached", "attempt"],
    ),
  },
});

const PROCESSES = objectOf({
  living: { ...WHOLE, description: "Processes that the counts include." },
  silent: {
    ...{ type: "array", items: TEXT },
    description: "Those that did not answer, with the counts of up to 15 seconds ago.",
  },
});

const STATS = objectOf(
  {
    version: { ...TEXT, description: "The version of Pocketwire." },
    runtime: { ...TEXT, description: "`node`, `bun` or `workerd`." },
    startedAt: { ...TEXT, format: "date-time", description: "When the service began to count." },
    ...described(COUNTS),
    keyBudget: objectOf(described(KEY_COUNTS)),
    history: objectOf(described(HISTORY_COUNTS)),
    kept: KEPT,
    callbacks: objectOf(described(CALLBACK_COUNTS)),
    disconnects: { ...BY_LABEL, description: DISCONNECTS },
    rateRefusals: { ...BY_LABEL, description: RATE_REFUSALS },
    recovered: { ...WHOLE, description: "Resumes for which the history had every message." },
    unrecovered: { ...WHOLE, description: "Resumes for which the history had lost messages." },
    publishLatency: objectOf({
      counts: {
        type: "array",
        items: WHOLE,
        description: "Publishes by bucket, as in the metrics.",
      },
      seconds: { ...NUMBER, description: "The sum of all latencies." },
    }),
    processes: PROCESSES,
  },
  ["processes"],
);

function described(counts: Readonly<Record<string, Statistic>>): Record<string, JSONObject> {
  return Object.fromEntries(
    Object.entries(counts).map(([name, [, description]]) => [name, { ...WHOLE, description }]),
  );
}

/** The `components` of the document: how to sign in, and the schemas that its paths refer to. */
export function components(limits: RequestLimits): JSONObject {
  return {
    securitySchemes: {
      bearer: {
        type: "http",
        scheme: "bearer",
        description: "The admin key, or the token of a user.",
      },
    },
    schemas: {
      Message: toJSONSchema(topicSchema(limits)),
      RecordEvent: toJSONSchema(recordSchema),
      Receipt: objectOf(
        {
          id: TEXT,
          duplicate: {
            const: true,
            description: "The message was published before, and is not delivered again.",
          },
        },
        ["duplicate"],
      ),
      History: HISTORY,
      Client: CLIENT,
      ClientPage: objectOf({ clients: { type: "array", items: CLIENT }, next: NEXT }, ["next"]),
      TopicPage: objectOf(
        {
          topics: { type: "array", items: TOPIC },
          next: NEXT,
        },
        ["next"],
      ),
      TopicRules: TOPIC_RULES,
      Presence: PRESENCE,
      CallbackList: CALLBACK_LIST,
      Stats: STATS,
      Health: objectOf({
        code: WHOLE,
        message: TEXT,
        data: objectOf({ version: { ...TEXT, description: "The version of Pocketwire." } }),
      }),
      Error: objectOf(
        {
          status: WHOLE,
          message: { ...TEXT, description: "What is wrong, and what to do." },
          data: { type: "object", description: "The errors of fields, keyed by field." },
          ids: TEXTS,
        },
        ["ids"],
      ),
    },
  };
}
