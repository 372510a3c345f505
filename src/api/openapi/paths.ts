import type { RequestLimits } from "../limits.ts";
import { revokeSchema } from "../routes/admin.ts";
import { infoSchema } from "../routes/presence.ts";
import { subscribeSchema } from "../routes/subscribe.ts";
import {
  connectSchema,
  eraseSchema,
  historySchema,
  pageSchema,
  presenceSchema,
  topicRulesSchema,
} from "../schemas/query.ts";
import { addExamples } from "./add-examples.ts";
import { OPERATION_EXAMPLES } from "./examples.ts";
import { type JSONObject, toJSONSchema } from "./json-schema.ts";
import { json, objectOf, queryParameters, ref, response, TEXT, WHOLE } from "./schema.ts";

/** Error responses of every operation. A stream answers temporary errors with 200 instead (`connect`). */
const ERRORS = {
  "4XX": response(
    "The request is refused. `message` says why and what to do; `data` has the errors of fields.",
    ref("Error"),
  ),
  "503": response(
    "The service is unavailable for now. Try again after the seconds in `Retry-After`, and publish with the `ids` of the response.",
    ref("Error"),
  ),
};

const ADMIN = { security: [{ bearer: [] }], tags: ["administration"] };
const PUBLISHER = { security: [{ bearer: [] }], tags: ["realtime"] };
const GUEST = { security: [{}, { bearer: [] }], tags: ["realtime"] };
const OPERATION = { security: [{}], tags: ["operation"] };

const CLIENT_ID = { name: "id", in: "path", required: true, schema: TEXT };

const TRACEPARENT = {
  name: "traceparent",
  in: "header",
  schema: TEXT,
  description:
    "The W3C trace context of the request. Messages without a `traceparent` of their own get it. An invalid header is ignored.",
};

const LAST_EVENT_ID = [
  {
    name: "Last-Event-ID",
    in: "header",
    schema: TEXT,
    description: "The id of the last event that the client has. The stream begins after it.",
  },
  {
    name: "lastEventId",
    in: "query",
    schema: TEXT,
    description: "As `Last-Event-ID`, for clients that can't set a header.",
  },
];

const PING = {
  name: "ping",
  in: "query",
  schema: { const: "event" },
  description:
    "`event` adds an event `ping` to each ping. Otherwise a ping is a comment, which a page can't see.",
};

/** @param text The first sentence becomes the summary, and the others the description. */
function operation(
  text: string,
  rest: JSONObject & { readonly operationId: string },
  responses: JSONObject,
): JSONObject {
  const [summary = "", ...sentences] = text.split(/(?<=\.) /);
  const description = sentences.length > 0 && { description: sentences.join(" ") };
  const all = { ...responses, ...ERRORS };
  return addExamples(
    { summary, ...description, ...rest, responses: all },
    OPERATION_EXAMPLES[rest.operationId],
  );
}

function body(schema: JSONObject): JSONObject {
  return { required: true, content: json(schema) };
}

/** The paths that every service has. */
export function paths(limits: RequestLimits): JSONObject {
  return {
    "/api/realtime": streamOperations(limits),
    "/api/realtime/messages": messageOperations(limits),
    "/api/realtime/presence": presenceOperations(limits),
    ...administrationPaths(limits),
  };
}

function streamOperations(limits: RequestLimits): JSONObject {
  return {
    get: operation(
      "Open a stream of events. The first event is PB_CONNECT, with the client id. If the service refuses the stream for a temporary reason, the status is 200 as well: the stream has a comment with the reason, then `retry:`, then ends.",
      {
        ...GUEST,
        operationId: "connect",
        parameters: [...queryParameters(connectSchema(limits)), PING, ...LAST_EVENT_ID],
      },
      {
        "200": {
          description: "Events, until the client or the service ends the stream.",
          content: { "text/event-stream": { schema: TEXT } },
        },
      },
    ),
    post: operation(
      "Replace the subscriptions of a client. The body may also be a form (urlencoded or multipart).",
      {
        ...GUEST,
        operationId: "subscribe",
        requestBody: body(toJSONSchema(subscribeSchema(limits))),
      },
      { "204": response("The subscriptions are set.") },
    ),
  };
}

function messageOperations(limits: RequestLimits): JSONObject {
  const message = { anyOf: [ref("Message"), ref("RecordEvent")] };
  return {
    get: operation(
      "Read the history of topics. Without `after` and `before` the response is the newest page.",
      {
        ...GUEST,
        operationId: "history",
        parameters: queryParameters(historySchema(limits)),
      },
      {
        "200": response("A page of messages, oldest first.", ref("History")),
        "410": response(
          "The history does not have the cursor, or no longer has it. Read without it.",
          ref("Error"),
        ),
      },
    ),
    post: operation(
      "Publish one message, or a list of messages. Either all messages of a list are published or none.",
      {
        ...PUBLISHER,
        operationId: "publish",
        parameters: [TRACEPARENT],
        requestBody: body({
          anyOf: [message, { type: "array", items: message, maxItems: limits.maxBatch }],
        }),
      },
      {
        "200": response(
          "The messages are in the log. The response is a list if the request is one.",
          {
            anyOf: [ref("Receipt"), { type: "array", items: ref("Receipt") }],
          },
        ),
        "409": response(
          "An earlier message has the same id and different content. If the request is a list, the status is 400 instead.",
          ref("Error"),
        ),
      },
    ),
    delete: operation(
      "Erase the history of a topic, or of the topics that `prefix/*` or `*` matches.",
      { ...ADMIN, operationId: "erase", parameters: queryParameters(eraseSchema(limits)) },
      { "200": response("The number of messages that were erased.", objectOf({ erased: WHOLE })) },
    ),
  };
}

function presenceOperations(limits: RequestLimits): JSONObject {
  return {
    get: operation(
      "Read the members of a topic. The caller needs the right to subscribe to `$presence/<topic>`.",
      {
        ...GUEST,
        operationId: "presence",
        parameters: queryParameters(presenceSchema(limits)),
      },
      { "200": response("The members, and the number of guests.", ref("Presence")) },
    ),
    post: operation(
      "Add fields to the info of the caller's client in a topic. They replace the fields of the request before.",
      {
        ...PUBLISHER,
        operationId: "changeInfo",
        requestBody: body(toJSONSchema(infoSchema(limits))),
      },
      { "204": response("The info is changed.") },
    ),
  };
}

function administrationPaths(limits: RequestLimits): JSONObject {
  return {
    "/api/realtime/clients": {
      get: operation(
        "List the connected clients, page by page.",
        { ...ADMIN, operationId: "listClients", parameters: queryParameters(pageSchema) },
        { "200": response("A page of clients.", ref("ClientPage")) },
      ),
    },
    "/api/realtime/clients/{id}": {
      get: operation(
        "Read one client.",
        { ...ADMIN, operationId: "readClient", parameters: [CLIENT_ID] },
        { "200": response("The client.", ref("Client")) },
      ),
      delete: operation(
        "End a client's stream. The client may reconnect.",
        { ...ADMIN, operationId: "disconnectClient", parameters: [CLIENT_ID] },
        { "204": response("The stream has ended.") },
      ),
    },
    "/api/realtime/topics": {
      get: operation(
        "List the topics that have subscribers, page by page.",
        { ...ADMIN, operationId: "listTopics", parameters: queryParameters(pageSchema) },
        { "200": response("A page of topics, by name.", ref("TopicPage")) },
      ),
    },
    "/api/realtime/topics/rules": {
      get: operation(
        "List the topic rules. With `topic`, also say which rule applies to the topic.",
        {
          ...ADMIN,
          operationId: "topicRules",
          parameters: queryParameters(topicRulesSchema(limits)),
        },
        { "200": response("The rules, and what they keep.", ref("TopicRules")) },
      ),
    },
    "/api/realtime/revoke": {
      post: operation(
        "Revoke a user: end all streams of the user and refuse the tokens issued so far. With `clientId`, end one stream.",
        { ...ADMIN, operationId: "revoke", requestBody: body(toJSONSchema(revokeSchema)) },
        {
          "200": response(
            "The number of streams that were ended.",
            objectOf({ disconnected: WHOLE }),
          ),
        },
      ),
    },
    "/api/realtime/callbacks": {
      get: operation(
        "List what the process that answers has asked and told the backend recently.",
        { ...ADMIN, operationId: "listCallbacks" },
        { "200": response("At most 50 callbacks, newest first.", ref("CallbackList")) },
      ),
    },
    "/api/realtime/stats": {
      get: operation(
        "Read the counts of the service.",
        { ...ADMIN, operationId: "stats" },
        { "200": response("Counts as of now, and since the start.", ref("Stats")) },
      ),
    },
  };
}

/** The paths of the option `health`. */
export function healthPaths(): JSONObject {
  return {
    "/api/health": {
      get: operation(
        "Check that the service responds.",
        { ...OPERATION, operationId: "health" },
        { "200": response("The service is healthy.", ref("Health")) },
      ),
    },
    "/api/health/ready": {
      get: operation(
        "Check that the service takes clients and messages.",
        { ...OPERATION, operationId: "ready" },
        { "200": response("The service is ready.", ref("Health")) },
      ),
    },
  };
}

/** The path of the option `openapi`. */
export function openapiPath(): JSONObject {
  return {
    "/api/openapi.json": {
      get: operation(
        "Read this document.",
        { ...OPERATION, operationId: "openapi" },
        { "200": response("The document.", { type: "object" }) },
      ),
    },
  };
}

/** The path of the option `metrics`. */
export function metricsPath(metrics: "admin" | "open"): JSONObject {
  const access = metrics === "admin" ? ADMIN : OPERATION;
  return {
    "/metrics": {
      get: operation(
        "Read the metrics for Prometheus.",
        { ...access, operationId: "metrics" },
        {
          "200": {
            description: "Metrics in Prometheus' text format, version 0.0.4.",
            content: { "text/plain": { schema: TEXT } },
          },
        },
      ),
    },
  };
}
