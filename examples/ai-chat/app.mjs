// The app: its routes, and the model. It runs on Node (server.mjs) and on Workers (worker.mjs).
import { convertToModelMessages, streamText } from "ai";
import { Hono } from "hono";
import { publishStream, stopStream } from "pocketwire/ai";
import { createModel } from "./model.mjs";

/**
 * @param services Returns, for a request, the service (`realtime`), the stored chats, and a function that keeps the runtime
 *   running until a promise has settled.
 */
export function createApp(services) {
  const app = new Hono();

  app.get("/api/chat/:id", async (c) => c.json(await services(c).chats.load(c.req.param("id"))));

  app.post("/api/chat", async (c) => {
    const { realtime, chats, waitUntil, tokenDelay } = services(c);
    const { id, messages } = await c.req.json();
    const question = readQuestion(messages?.at(-1));
    if (typeof id !== "string" || !/^[\w-]{1,64}$/.test(id) || question === undefined) {
      return c.text("Send an id of 1 to 64 letters and digits, and a text of 1 to 2,000.", 400);
    }
    // When the answer begins, other windows load the stored messages, so the question must be stored before.
    const originalMessages = await chats.append(id, question);
    const { id: answer, ended } = publishStream(realtime, `chats/${id}`, async (abortSignal) => {
      const result = streamText({
        // A real model needs a package such as @ai-sdk/openai, and a key: model: openai("gpt-5-mini")
        model: createModel(tokenDelay),
        messages: await convertToModelMessages(originalMessages),
        abortSignal,
      });
      return result.toUIMessageStream({
        originalMessages,
        generateMessageId: () => crypto.randomUUID(),
        // Runs before the end of the answer is published, even if the user stops the answer.
        onFinish: ({ responseMessage }) => chats.append(id, responseMessage),
      });
    });
    waitUntil(ended);
    return c.json({ answer });
  });

  app.post("/api/chat/:id/stop", async (c) => {
    await stopStream(services(c).realtime, `chats/${c.req.param("id")}`);
    return c.body(null, 204);
  });
  return app;
}

/** Returns the question with the fields that are stored. Undefined if the message is not a valid question. */
function readQuestion(message) {
  const text = message?.parts?.find(({ type }) => type === "text")?.text;
  if (message?.role !== "user" || typeof text !== "string") return undefined;
  if (text.length === 0 || text.length > 2000) return undefined;
  return { id: crypto.randomUUID(), role: "user", parts: [{ type: "text", text }] };
}
