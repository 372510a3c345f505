import { joinFrames } from "../../realtime/delivery/frame-batch.ts";
import type { Bytes } from "../../realtime/units.ts";

const encoder = new TextEncoder();
const CRLF = encoder.encode("\r\n");

/**
 * Encodes one chunk of a response with `Transfer-Encoding: chunked` (RFC 9112, section 7.1).
 *
 * @param length Total length of the frames.
 */
export function encodeChunk(length: Bytes, frames: readonly Uint8Array[]): Uint8Array {
  const size = encoder.encode(`${length.toString(16)}\r\n`);
  return joinFrames(size.length + length + CRLF.length, [size, ...frames, CRLF]);
}
