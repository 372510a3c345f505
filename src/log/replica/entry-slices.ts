import type { Bytes } from "../../realtime/units.ts";
import { messageSize } from "../log.ts";
import type { SequencedEntry } from "./sequencer.ts";

/** Maximum size of the messages that are delivered in one turn of the event loop. */
const MAX_SLICE: Bytes = 256 * 1024;

/** Returns the index after the last entry of a slice that begins at `from`. */
export function endOfSlice(entries: readonly SequencedEntry[], from: number): number {
  let bytes = 0;
  for (let index = from; index < entries.length; index++) {
    const content = entries[index]?.content;
    if (content?.kind === "message") bytes += messageSize(content.message);
    if (bytes > MAX_SLICE && index > from) return index;
  }
  return entries.length;
}
