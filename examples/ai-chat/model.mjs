// A model that needs no key: the AI SDK's mock, which says a fixed text word by word.
import { simulateReadableStream } from "ai";
import { MockLanguageModelV3 } from "ai/test";

const TEXT = `This answer comes word by word from a model that needs no key. The words are published to a topic, and every window
reads them there. Reload this page in the middle of a sentence: the answer is complete, and no word comes twice. Open the page in a
second window, or on a phone: it joins the same answer. Cut the connection: the stream resumes where it was. The model does not
notice any of this, because it does not write to a page. Press Stop in any window, and the answer ends in all of them. What was
said until then is stored, and a reload shows it.`;

/** @param tokenDelay Time between two words, in milliseconds. */
export function createModel(tokenDelay) {
  return new MockLanguageModelV3({
    doStream: async ({ prompt }) => ({
      stream: simulateReadableStream({
        chunks: chunksOf(answerTo(prompt)),
        initialDelayInMs: 300,
        chunkDelayInMs: tokenDelay,
      }),
    }),
  });
}

/** Returns the model's answer to the last question. */
export function answerTo(prompt) {
  const [{ text } = {}] = prompt.at(-1)?.content ?? [];
  return `You asked: "${text}". ${TEXT.replaceAll("\n", " ")}`;
}

function chunksOf(text) {
  const id = "1";
  return [
    { type: "stream-start", warnings: [] },
    { type: "text-start", id },
    ...text.split(/(?<= )/).map((delta) => ({ type: "text-delta", id, delta })),
    { type: "text-end", id },
    {
      type: "finish",
      finishReason: { unified: "stop", raw: undefined },
      usage: {
        inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
        outputTokens: { total: 1, text: 1, reasoning: 0 },
      },
    },
  ];
}
