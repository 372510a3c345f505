import type { Context } from "hono";

/** UTF-16 code units that are made and handed over at a time. */
const PIECE = 64 * 1024;

/**
 * Answers with a text that may be long. A short one goes out whole. Of a long one no more is made than its reader takes, so
 * those who read nothing hold no copies of it, and none of them longer than `timeout`.
 *
 * @param parts Asked for one by one; what they are made of stays in memory until the end.
 * @param timeout Milliseconds that a reader may take for a piece. Beyond it the connection is cut: the answer is not whole.
 */
export function chunkedResponse(c: Context, parts: Iterator<string>, timeout: number): Response {
  const first = takePiece(parts);
  if (first.isLast) return c.body(first.text);
  const encoder = new TextEncoder();
  let next = first;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        clearTimeout(timer);
        controller.enqueue(encoder.encode(next.text));
        if (next.isLast) {
          controller.close();
          return;
        }
        next = takePiece(parts);
        timer = setTimeout(() => controller.error(new Error("The answer was not read.")), timeout);
      },
      cancel: () => clearTimeout(timer),
    },
    // Nothing in advance, nor for a HEAD, which nobody reads.
    { highWaterMark: 0 },
  );
  return c.body(body);
}

function takePiece(parts: Iterator<string>): { text: string; isLast: boolean } {
  let text = "";
  while (text.length < PIECE) {
    const part = parts.next();
    if (part.done === true) return { text, isLast: true };
    text += part.value;
  }
  return { text, isLast: false };
}
