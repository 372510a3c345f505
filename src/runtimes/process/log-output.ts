/** Writes the log of a process to a stream. A reader that is slow or has closed the stream does not disturb the process. */

import type { Writable } from "node:stream";
import type { LogOutput } from "../../api/logger.ts";
import { settledWithin } from "../../realtime/settled-within.ts";
import type { Milliseconds } from "../../realtime/units.ts";

/** Maximum number of characters that wait for a slow reader. Further lines are dropped. */
const MAX_WAITING = 256 * 1024;

/** Maximum time for writing the last lines of the log. */
const FLUSH_TIMEOUT: Milliseconds = 500;

/**
 * Creates an output that writes lines to a stream. A line that can't be written is dropped and counted. A full disk, or a
 * pipe that is closed or not read, therefore neither ends nor blocks the process. (Node's `console.log` ends the process
 * when the reader has closed the pipe. Bun's `console.log` waits for the reader.)
 */
export function createStreamOutput(stream: Writable): LogOutput {
  let waiting = 0;
  let dropped = 0;
  let isWorking = true;
  const drop = () => {
    dropped += 1;
    isWorking = false;
  };
  // Without a listener, an `error` event ends the process. The callback of each write also gets the error.
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

/** Resolves when all lines have been written to the stream, but after 500 ms at the latest. */
export async function flush(stream: NodeJS.WriteStream): Promise<void> {
  const flushed = new Promise<void>((resolve) => stream.write("", () => resolve()));
  await settledWithin(flushed, FLUSH_TIMEOUT);
}
