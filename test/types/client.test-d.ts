/** Types of pocketwire/client. `npm run types` checks this file; nothing runs it. */
import { EventSource } from "eventsource";
import { expectTypeOf } from "vitest";
import {
  type ConnectOptions,
  connect,
  type EventMap,
  type HistoryPage,
  type Member,
  type Message,
  type PayloadOf,
  type Presence,
  type Realtime,
  type RealtimeClientError,
  type Status,
} from "../../src/client.ts";

interface Chat {
  readonly text: string;
}
interface Score {
  readonly points: number;
}
interface Events {
  "chat/lobby": Chat;
  [topic: `score/${string}`]: Score;
  news: string;
}

const realtime = connect<Events>("https://rt.example");

// A topic that the map names, and a topic of a template.
realtime.subscribe("chat/lobby", (message) => {
  expectTypeOf(message).toEqualTypeOf<Message<Chat>>();
  expectTypeOf(message.data.text).toBeString();
});
realtime.subscribe("score/7", ({ data }) => expectTypeOf(data).toEqualTypeOf<Score>());
realtime.subscribe("news", ({ data }) => expectTypeOf(data).toBeString());

// `publish` takes the payload of the topic, also in a list, and anything for an unknown topic.
void realtime.publish({ topic: "chat/lobby", data: { text: "hello" }, ttl: 60 });
void realtime.publish([
  { topic: "chat/lobby", data: { text: "hello" } },
  { topic: "score/7", data: { points: 1 } },
  { collection: "posts", action: "create", record: { id: "r1" } },
]);
void realtime.publish({ topic: "unknown", data: 1 });
// @ts-expect-error: a chat has no points.
void realtime.publish({ topic: "chat/lobby", data: { points: 1 } });
// @ts-expect-error: a score has points.
void realtime.publish({ topic: "score/7", data: "none" });
// @ts-expect-error: no message has this field.
void realtime.publish({ topic: "chat/lobby", data: { text: "hello" }, tll: 60 });

// A wildcard has the payloads of all topics below it, `*` those of all, and an unknown topic has unknown data.
realtime.subscribe("chat/*", ({ data }) => expectTypeOf(data).toEqualTypeOf<Chat>());
realtime.subscribe("score/*", ({ data }) => expectTypeOf(data).toEqualTypeOf<Score>());
realtime.subscribe("*", ({ data }) => expectTypeOf(data).toEqualTypeOf<Chat | Score | string>());
realtime.subscribe("other", ({ data }) => expectTypeOf(data).toBeUnknown());
expectTypeOf<PayloadOf<Events, "score/1">>().toEqualTypeOf<Score>();

// Without a map every payload is unknown.
const untyped = connect(new URL("https://rt.example"));
expectTypeOf(untyped).toEqualTypeOf<Realtime<EventMap>>();
untyped.subscribe("chat/*", ({ data }) => expectTypeOf(data).toBeUnknown());

// Records have their action and their fields.
untyped.subscribe("posts/*", ({ action, record }) => {
  expectTypeOf(action).toEqualTypeOf<"create" | "update" | "delete" | "leave" | undefined>();
  expectTypeOf(record?.id).toEqualTypeOf<string | undefined>();
  expectTypeOf(record?.title).toBeUnknown();
});

expectTypeOf(realtime.history("chat/lobby", { limit: 1 })).resolves.toEqualTypeOf<
  HistoryPage<Chat>
>();
expectTypeOf(realtime.publish({ topic: "news", data: "a" })).resolves.toEqualTypeOf<string[]>();
expectTypeOf(realtime.presence("chat/lobby")).resolves.toEqualTypeOf<Presence>();
expectTypeOf(realtime.presence("chat/lobby", () => {})).toEqualTypeOf<() => void>();
expectTypeOf<Presence<{ name: string }>["members"][number]>().toEqualTypeOf<
  Member<{ name: string }>
>();
expectTypeOf(realtime.status).toEqualTypeOf<Status>();
realtime.on("status", (status) => expectTypeOf(status).toEqualTypeOf<Status>());
realtime.on("error", (error) => expectTypeOf(error).toEqualTypeOf<RealtimeClientError>());
realtime.on("gap", (nothing) => expectTypeOf(nothing).toEqualTypeOf<undefined>());
expectTypeOf(realtime.on).parameter(0).toEqualTypeOf<"status" | "gap" | "error">();

// Options: the class of the npm package, a function for the token, and no others.
connect("https://rt.example", { EventSource, token: async () => null, share: "anna" });
expectTypeOf<{ tokens: () => string }>().not.toExtend<ConnectOptions>();
expectTypeOf<{ last: string }>().not.toExtend<
  NonNullable<Parameters<typeof realtime.subscribe>[2]>
>();
