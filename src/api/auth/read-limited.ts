import type { Bytes } from "../../realtime/units.ts";

/**
 * Reads the body of another server's response as text.
 *
 * @throws Error when the body is longer than `maxBytes`. The rest of the body is not read.
 */
export async function readLimited({ body }: Response, maxBytes: Bytes): Promise<string> {
  if (body === null) return "";
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  const reader = body.getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    bytes += part.value.length;
    if (bytes > maxBytes) {
      await reader.cancel();
      throw new Error(`The response is longer than ${maxBytes} bytes.`);
    }
    text += decoder.decode(part.value, { stream: true });
  }
  return text + decoder.decode();
}
