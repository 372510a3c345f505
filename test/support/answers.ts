import type { UIMessageChunk } from "ai";
import type { Random } from "./random.ts";

/** The parts of an answer with a text of some words. */
export function partsOf(messageId: string, words: readonly string[]): UIMessageChunk[] {
  return [
    { type: "start", messageId },
    { type: "text-start", id: "1" },
    ...words.map((delta): UIMessageChunk => ({ type: "text-delta", id: "1", delta })),
    { type: "text-end", id: "1" },
    { type: "finish" },
  ];
}

/** A stream that contains chunks in random groups, with random pauses. */
export function randomStream<T>(chunks: readonly T[], random: Random): ReadableStream<T> {
  let next = 0;
  return new ReadableStream({
    async pull(controller) {
      if (random.chance(0.4)) await new Promise((r) => setTimeout(r, random.between(0, 12)));
      const count = random.between(1, 5);
      for (const chunk of chunks.slice(next, next + count)) controller.enqueue(chunk);
      next += count;
      if (next >= chunks.length) controller.close();
    },
  });
}

/** Reads a stream to its end. */
export async function readAll<T>(stream: ReadableStream<T>): Promise<T[]> {
  const chunks: T[] = [];
  const reader = stream.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return chunks;
    chunks.push(value);
  }
}
