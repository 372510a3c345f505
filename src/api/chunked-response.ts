import type { Context } from "hono";
import type { Milliseconds } from "../realtime/units.ts";

/** Minimum length of a chunk in UTF-16 code units. Only the last chunk may be shorter. */
const CHUNK = 64 * 1024;

/**
 * Responds with a text that may be long. A short text is sent whole. A long text is made and sent in chunks as the client
 * reads, so a client that does not read costs no more memory than two chunks.
 *
 * @param parts The text. What the iterator refers to stays in memory until the response ends.
 * @param timeout Time that the client may take to read one chunk. If the client takes longer, the response is aborted, and not
 *   ended as if it were complete.
 */
export function chunkedResponse(
  c: Context,
  parts: Iterator<string>,
  timeout: Milliseconds,
): Response {
  const first = nextChunk(parts);
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
        next = nextChunk(parts);
        timer = setTimeout(
          () => controller.error(new Error("The client did not read the response in time.")),
          timeout,
        );
      },
      cancel: () => clearTimeout(timer),
    },
    // With 0, `pull` runs only when the body is read. Nothing reads the body of a response to HEAD, so no timer starts for it.
    { highWaterMark: 0 },
  );
  return c.body(body);
}

function nextChunk(parts: Iterator<string>): { text: string; isLast: boolean } {
  let text = "";
  while (text.length < CHUNK) {
    const part = parts.next();
    if (part.done === true) return { text, isLast: true };
    text += part.value;
  }
  return { text, isLast: false };
}
