/** Types of `pocketwire/ai`. `npm run types` checks this file; nothing runs it. */
import { useChat } from "@ai-sdk/react";
import {
  type ChatTransport,
  DefaultChatTransport,
  type LanguageModel,
  streamText,
  type UIMessage,
} from "ai";
import { expectTypeOf } from "vitest";
import {
  type AnswerClient,
  type AnswerServer,
  type AnswerSubscriber,
  createChatTransport,
  type PublishedStream,
  publishStream,
  type RealtimeChatTransport,
  stopStream,
} from "../../src/ai.ts";
import type { Realtime } from "../../src/client/types.ts";
import type { RealtimeServer } from "../../src/index.ts";
import type { startServer } from "../../src/node.ts";

// A service in this process and a client of a service both publish. A client reads, also one with types of payloads.
expectTypeOf<RealtimeServer>().toExtend<AnswerServer>();
expectTypeOf<Awaited<ReturnType<typeof startServer>>>().toExtend<AnswerServer>();
expectTypeOf<Realtime>().toExtend<AnswerClient>();
expectTypeOf<Realtime>().toExtend<AnswerSubscriber>();
expectTypeOf<Realtime<{ "chat/1": { text: string } }>>().toExtend<AnswerClient>();
expectTypeOf<Realtime<{ "chat/1": { text: string } }>>().toExtend<AnswerSubscriber>();
expectTypeOf<RealtimeServer>().not.toExtend<AnswerSubscriber>();

declare const server: RealtimeServer;
declare const client: Realtime;
declare const model: LanguageModel;

/** A message of an app, with metadata of its own. */
type AppMessage = UIMessage<{ tokens: number }, { weather: { degrees: number } }>;

// The stream is one of parts or of texts, or a function of the signal that a stop aborts.
expectTypeOf(
  publishStream(server, "chats/1", (abortSignal) =>
    streamText({ model, prompt: "", abortSignal }).toUIMessageStream<AppMessage>(),
  ),
).toEqualTypeOf<PublishedStream>();
publishStream(client, "chats/1", streamText({ model, prompt: "" }).textStream, { private: true });
publishStream(client, "chats/1", async () => streamText({ model, prompt: "" }).toUIMessageStream());
// @ts-expect-error A stream of bytes has no parts.
publishStream(client, "chats/1", new Response("").body ?? new ReadableStream<Uint8Array>());
// @ts-expect-error The text for readers is a string.
publishStream(server, "chats/1", new ReadableStream<string>(), { onError: () => 1 });
expectTypeOf<PublishedStream["ended"]>().resolves.toEqualTypeOf<
  "finished" | "stopped" | "failed"
>();
expectTypeOf(stopStream(server, "chats/1")).resolves.toBeVoid();

// The transport fits `useChat`, with the messages of the app.
const transport = createChatTransport<AppMessage>({ realtime: client, fetch });
expectTypeOf(transport).toEqualTypeOf<RealtimeChatTransport<AppMessage>>();
expectTypeOf(transport).toExtend<ChatTransport<AppMessage>>();
expectTypeOf(useChat<AppMessage>).toBeCallableWith({ transport, resume: true });
expectTypeOf(transport.onAnswer("1", () => {})).toEqualTypeOf<() => void>();
expectTypeOf(new DefaultChatTransport()).not.toExtend<RealtimeChatTransport>();
// @ts-expect-error A client is needed.
createChatTransport({ api: "/api/chat" });
