/** Writes a process's log to a stream with a reader that may be slow or gone. */
import type { Writable } from "node:stream";
import type { LogOutput } from "../../api/logger.ts";
import type { Milliseconds } from "../../realtime/units.ts";
import { settledWithin } from "./timeout.ts";

/** Characters that may wait for a slow reader. Lines beyond that are dropped. */
const MAX_WAITING = 256 * 1024;

/** How long the last lines of the log may take to be written. */
const FLUSH_TIMEOUT: Milliseconds = 500;

/**
 * Creates an output that writes lines to a stream. A line that can't be written is dropped and counted, so that a full disk or
 * a closed or unread pipe neither ends the process nor blocks it. (Node's `console.log` ends the process when the reader of its
 * pipe has gone. Bun's `console.log` waits for the reader.)
 */
export function createStreamOutput(stream: Writable): LogOutput {
  let waiting = 0;
  let dropped = 0;
  let isWorking = true;
  const drop = () => {
    dropped += 1;
    isWorking = false;
  };
  // An `error` event without a listener ends the process. The callback of each write gets the error too.
  stream.on("error", () => {});
  return {
    write(line) {
      if (waiting + line.length > MAX_WAITING) {
        drop();
        return;
      }
      waiting += line.length;
      try {
        stream.write(`${line}\n`, (error) => {
          waiting -= line.length;
          if (error) drop();
          else isWorking = true;
        });
      } catch {
        waiting -= line.length;
        drop();
      }
    },
    get dropped() {
      return dropped;
    },
    get isWorking() {
      return isWorking;
    },
  };
}

/** Resolves when everything that was written to the stream has left, or after 500 ms. */
export async function flush(stream: NodeJS.WriteStream): Promise<void> {
  const flushed = new Promise<void>((resolve) => stream.write("", () => resolve()));
  await settledWithin(flushed, FLUSH_TIMEOUT);
}
