/** The callbacks: requests that the service sends to a backend. */

import { TELLS } from "../../registry/tells.ts";
import { createAnswerSchemas } from "../callbacks/answers.ts";
import type { Ask } from "../callbacks/options.ts";
import type { RequestLimits } from "../limits.ts";
import { addExamples } from "./add-examples.ts";
import { WEBHOOK_EXAMPLES } from "./examples.ts";
import { type JSONObject, toJSONSchema } from "./json-schema.ts";
import { json, objectOf, ref, response, TEXT, TEXTS, WHOLE } from "./schema.ts";

const SIGNATURE = [
  {
    name: "webhook-id",
    in: "header",
    required: true,
    schema: TEXT,
    description: "The id of the request. It is the same if the request is sent again.",
  },
  {
    name: "webhook-timestamp",
    in: "header",
    required: true,
    schema: WHOLE,
    description: "Seconds since 1970.",
  },
  {
    name: "webhook-signature",
    in: "header",
    required: true,
    schema: TEXT,
    description:
      "`v1,` and the HMAC-SHA256 of `<webhook-id>.<webhook-timestamp>.<body>` in Base64. The key is the secret after `whsec_`, decoded from Base64.",
  },
];

const CALLER = {
  ip: TEXT,
  identity: { ...TEXT, description: "The user. Absent for a guest." },
  info: {
    type: "object",
    description: "What other clients see of the user in topics with presence.",
  },
  isAdmin: { type: "boolean", description: "Whether the request has the admin key." },
  headers: {
    type: "object",
    additionalProperties: TEXT,
    description: "The request headers that the service is configured to send, in lower case.",
  },
};
const OPTIONAL = ["ip", "identity", "info", "headers", "clientId"];

/** Fields that the schemas of answers check with functions. */
const CHECKED: Readonly<Record<string, JSONObject>> = {
  status: { enum: [401, 403, 429], description: "The status of a refusal. Default 403." },
  cacheSeconds: {
    ...{ type: "number", minimum: 0, maximum: 300 },
    description: "How long the answer may be used for the same question.",
  },
  info: { type: "object", description: "At most 1,024 bytes as JSON. Only with `identity`." },
  message: { anyOf: [ref("Message"), ref("RecordEvent")] },
};

/** The `webhooks` of the document. */
export function webhooks(limits: RequestLimits): JSONObject {
  const answers = createAnswerSchemas(limits);
  const question = (type: Ask, summary: string, about: Readonly<Record<string, JSONObject>>) => {
    const answer = toJSONSchema(answers[type]);
    const fields = Object.entries(answer.properties ?? {}).map(([name, schema]) => [
      name,
      CHECKED[name] ?? schema,
    ]);
    const schema = { ...answer, properties: Object.fromEntries(fields) };
    const body = objectOf({ type: { const: type }, ...CALLER, ...about }, OPTIONAL);
    return callback(type, summary, body, {
      "200": response("The request goes on or is refused. Any other answer is a failure.", schema),
    });
  };
  return {
    connect: question("connect", "Asks about a new stream", { subscriptions: TEXTS }),
    subscribe: question(
      "subscribe",
      "Asks about subscriptions, or a read of the history or of members",
      {
        clientId: TEXT,
        subscriptions: TEXTS,
      },
    ),
    publish: question("publish", "Asks about a message", {
      message: { anyOf: [ref("Message"), ref("RecordEvent")] },
    }),
    events: callback("events", "Delivers events, in their order", EVENTS, {
      "2XX": response("The backend has the events. After any other answer, they are sent again."),
    }),
  };
}

const EVENTS = objectOf({
  events: {
    type: "array",
    items: objectOf(
      {
        id: TEXT,
        type: { type: "string", enum: TELLS },
        topic: { ...TEXT, description: "Of `occupied` and `vacated`." },
        clientId: { ...TEXT, description: "Of `connected` and `disconnected`." },
        identity: { ...TEXT, description: "Of `connected`. Absent for a guest." },
        reason: { ...TEXT, description: "Of `disconnected`." },
        at: { ...TEXT, format: "date-time" },
      },
      ["topic", "clientId", "identity", "reason"],
    ),
  },
});

function callback(
  name: string,
  summary: string,
  schema: JSONObject,
  responses: JSONObject,
): JSONObject {
  const requestBody = { required: true, content: json(schema) };
  const operation = {
    ...{ summary: `${summary}.`, tags: ["callbacks"] },
    ...{ parameters: SIGNATURE, requestBody, responses },
  };
  return { post: addExamples(operation, WEBHOOK_EXAMPLES[name]) };
}
