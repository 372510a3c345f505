/** The log of a process: lines on a stream that may be full, slow, or closed at its other end. */
import type { Writable } from "node:stream";
import type { LogOutput } from "../../api/logger.ts";

/** Characters that may wait for a pipe that is not read. Lines beyond them are dropped. */
const MAX_WAITING = 256 * 1024;

/**
 * Writes lines to a stream. Neither a full disk nor a closed or unread pipe ends the process or makes it wait: a line that
 * can't be written is dropped and counted. (Node's `console.log` ends the process when its reader has gone; Bun's waits for
 * a pipe that is not read.)
 */
export function createStreamOutput(stream: Writable): LogOutput {
  let waiting = 0;
  let dropped = 0;
  let isWorking = true;
  const drop = () => {
    dropped += 1;
    isWorking = false;
  };
  // An `error` event without a listener ends the process. Each write gets its error by its callback.
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
