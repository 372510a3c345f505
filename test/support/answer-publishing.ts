/** Answers that a test publishes to a service in memory. */
import type { UIMessageChunk } from "ai";
import {
  type AnswerSource,
  type EndMessage,
  type PartsMessage,
  type PublishStreamOptions,
  publishStream,
} from "../../src/ai.ts";
import { within } from "./deadline.ts";
import { seededRandom } from "./random.ts";
import { type TopicFaults, TopicService } from "./topic-service.ts";

export type Data = PartsMessage & EndMessage;

export const parts: readonly UIMessageChunk[] = [
  { type: "start", messageId: "m1" },
  { type: "text-start", id: "1" },
  ..."The quick brown fox"
    .split(/(?= )/)
    .map((delta) => ({ type: "text-delta" as const, id: "1", delta })),
  { type: "text-end", id: "1" },
  { type: "finish" },
];

export function streamOf<T>(...chunks: readonly T[]): ReadableStream<T> {
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk);
      controller.close();
    },
  });
}

/** A stream that the test writes. */
export function openStream() {
  let controller: ReadableStreamDefaultController<UIMessageChunk> | undefined;
  let cancelled: unknown;
  const stream = new ReadableStream<UIMessageChunk>({
    start: (given) => {
      controller = given;
    },
    cancel: (reason) => {
      cancelled = reason;
    },
  });
  return {
    stream,
    write: (...chunks: readonly UIMessageChunk[]) => {
      for (const chunk of chunks) controller?.enqueue(chunk);
    },
    close: () => controller?.close(),
    fail: (error: unknown) => controller?.error(error),
    cancelled: () => cancelled,
  };
}

export const serviceWith = (faults: TopicFaults = {}) => new TopicService(seededRandom(1), faults);

/** Publishes to a service in memory, waits for the end, and returns all messages. */
export async function publishTo(
  service: TopicService,
  source: AnswerSource,
  options: PublishStreamOptions = {},
) {
  const { id, ended } = publishStream(service, "chats/1", source, options);
  const end = await within(ended, 40_000, "the answer ends");
  const data = service.data as Data[];
  return {
    id,
    end,
    data,
    parts: data.flatMap((message) => message.parts ?? []),
    last: data.at(-1),
  };
}
