/** Examples of requests and responses. A test validates each of them against its schema. */
import { VERSION } from "../../realtime/version.ts";
import { STATS } from "./stats-example.ts";

/** The examples of one operation. */
export interface OperationExamples {
  /** By the name of the parameter. */
  readonly parameters?: Readonly<Record<string, unknown>>;
  /** The body of the request. */
  readonly request?: unknown;
  /** The body of the response, by status. */
  readonly responses?: Readonly<Record<string, unknown>>;
}

const CLIENT_ID = "0-9k2mqe7rv1-41.V1StGXR8Z5jdHi6BmyT0a";
const MESSAGE_ID = "tHb3vQ8xkLw0nZr5yCe2d";
const AT = "2026-11-23T12:00:00.000Z";
const MILLISECONDS = Date.parse(AT);

const MESSAGE = { topic: "chat", data: { text: "hello" } };

const CLIENT = {
  clientId: CLIENT_ID,
  ip: "192.0.2.7",
  identity: "anna",
  rights: ["room/*"],
  subscriptions: ["chat", "room/7"],
  connectedAt: MILLISECONDS,
  lastActivityAt: MILLISECONDS + 30_000,
  expiresAt: MILLISECONDS + 3_600_000,
  bufferedBytes: 0,
};

const PRESENCE_PARAMETERS = { topic: "chat/1" };

const STREAM = `event: PB_CONNECT
data: {"clientId":"${CLIENT_ID}"}
id: ${CLIENT_ID}

event: chat
data: {"text":"hello"}
id: 0-9k2mqe7rv1-42

`;

const METRICS = `# HELP pocketwire_build_info The version and the runtime.
# TYPE pocketwire_build_info gauge
pocketwire_build_info{version="${VERSION}",runtime="node",runtime_version="22.13.0"} 1
# HELP pocketwire_clients Connected clients.
# TYPE pocketwire_clients gauge
pocketwire_clients 2
`;

/** By `operationId`. */
export const OPERATION_EXAMPLES: Readonly<Record<string, OperationExamples>> = {
  connect: {
    parameters: {
      topic: ["chat"],
      last: 20,
      envelope: "true",
      ping: "event",
      lastEventId: "0-9k2mqe7rv1-41",
      "Last-Event-ID": "0-9k2mqe7rv1-41",
    },
    responses: { "200": STREAM },
  },
  subscribe: { request: { clientId: CLIENT_ID, subscriptions: ["chat", "news/*"] } },
  history: {
    parameters: {
      topic: ["chat"],
      after: "0-9k2mqe7rv1-41",
      before: "0-9k2mqe7rv1-41",
      limit: 20,
    },
    responses: {
      "200": {
        messages: [
          {
            cursor: "0-9k2mqe7rv1-42",
            at: AT,
            id: MESSAGE_ID,
            topics: ["chat"],
            data: { text: "hello" },
          },
        ],
        cursor: "0-9k2mqe7rv1-42",
        more: false,
      },
      "410": {
        status: 410,
        message:
          'The history does not have the cursor in "after": messages after the cursor have been trimmed, or the cursor belongs to another log, or to messages that this log has lost. Omit "after" to read the newest messages.',
        data: {},
      },
    },
  },
  publish: {
    parameters: { traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01" },
    request: MESSAGE,
    responses: {
      "200": { id: MESSAGE_ID },
      "409": {
        status: 409,
        message:
          "An earlier message has this id, but other content. Give a new message a new id, and send a retry unchanged.",
        data: {
          id: {
            code: "validation_id_reused",
            message:
              "An earlier message has this id, but other content. Give a new message a new id, and send a retry unchanged.",
          },
        },
      },
    },
  },
  erase: { parameters: { topic: "users/7/*" }, responses: { "200": { erased: 3 } } },
  presence: {
    parameters: PRESENCE_PARAMETERS,
    responses: {
      "200": {
        topic: "chat/1",
        members: [{ id: "anna", info: { name: "Anna" }, since: MILLISECONDS }],
        count: 1,
        guests: 2,
      },
    },
  },
  changeInfo: { request: { clientId: CLIENT_ID, topic: "chat/1", info: { typing: true } } },
  listClients: {
    parameters: { limit: 100, after: CLIENT_ID },
    responses: { "200": { clients: [CLIENT], next: CLIENT_ID } },
  },
  readClient: { parameters: { id: CLIENT_ID }, responses: { "200": CLIENT } },
  disconnectClient: { parameters: { id: CLIENT_ID } },
  listTopics: {
    parameters: { limit: 100, after: "chat" },
    responses: {
      "200": { topics: [{ topic: "chat", subscriptions: 2, members: 1, guests: 1 }] },
    },
  },
  topicRules: {
    parameters: { topic: "chat/1" },
    responses: {
      "200": {
        rules: [{ match: "chat/*", keep: 100, private: true, presence: true, ttl: 86_400 }],
        kept: { topics: 1, messages: 100, bytes: 2048, evicted: 0 },
        topic: "chat/1",
        rule: 0,
      },
    },
  },
  revoke: { request: { subject: "anna" }, responses: { "200": { disconnected: 2 } } },
  listCallbacks: {
    responses: {
      "200": {
        callbacks: [
          {
            at: AT,
            type: "subscribe",
            count: 2,
            outcome: "allowed",
            milliseconds: 12,
            cached: false,
          },
        ],
      },
    },
  },
  stats: { responses: { "200": { version: VERSION, runtime: "node", startedAt: AT, ...STATS } } },
  health: { responses: { "200": healthExample("API is healthy.") } },
  ready: { responses: { "200": healthExample("API is ready.") } },
  openapi: {
    responses: {
      "200": { openapi: "3.1.1", info: { title: "Pocketwire", version: VERSION }, paths: {} },
    },
  },
  metrics: { responses: { "200": METRICS } },
};

function healthExample(message: string): object {
  return { code: 200, message, data: { version: VERSION } };
}

const CALLBACK_HEADERS = {
  "webhook-id": "msg_V1StGXR8Z5jdHi6BmyT0a",
  "webhook-timestamp": MILLISECONDS / 1000,
  "webhook-signature": "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=",
};
const CALLER = { ip: "192.0.2.7", identity: "anna", isAdmin: false };

/** By the name of the webhook. */
export const WEBHOOK_EXAMPLES: Readonly<Record<string, OperationExamples>> = {
  connect: {
    parameters: CALLBACK_HEADERS,
    request: {
      type: "connect",
      ip: "192.0.2.7",
      isAdmin: false,
      headers: { cookie: "session=8f1c" },
      subscriptions: ["chat"],
    },
    responses: { "200": { allow: true, identity: "anna", rights: ["room/*"], cacheSeconds: 60 } },
  },
  subscribe: {
    parameters: CALLBACK_HEADERS,
    request: { type: "subscribe", ...CALLER, clientId: CLIENT_ID, subscriptions: ["room/7"] },
    responses: { "200": { allow: false, status: 403, reason: "This room is closed." } },
  },
  publish: {
    parameters: CALLBACK_HEADERS,
    request: { type: "publish", ...CALLER, message: MESSAGE },
    responses: { "200": { allow: true } },
  },
  events: {
    parameters: CALLBACK_HEADERS,
    request: {
      events: [
        { id: "evt_tHb3vQ8xkLw0nZr5yCe2d", type: "occupied", topic: "chat", at: AT },
        {
          id: "evt_V1StGXR8Z5jdHi6BmyT0a",
          type: "disconnected",
          clientId: CLIENT_ID,
          reason: "client",
          at: AT,
        },
      ],
    },
  },
};

/** Error responses that most operations have, by the access of the operation. */
export const ERROR_EXAMPLES = {
  admin: {
    status: 401,
    message: "The admin key is missing or wrong. Send it as Authorization: Bearer <admin key>.",
    data: {},
  },
  others: {
    status: 400,
    message: "The request is not valid. topic: Cannot be blank.",
    data: { topic: { code: "validation_required", message: "Cannot be blank." } },
  },
  unavailable: { status: 503, message: "The server is stopping. Try again soon.", data: {} },
} as const;
