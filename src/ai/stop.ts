import {
  type AnswerClient,
  type AnswerServer,
  type Channel,
  type ChannelOptions,
  openChannel,
} from "./channel.ts";
import { isStop, readAnswerMessage } from "./messages.ts";
import { refuseUnknown } from "./options.ts";
import { publishWithRetry } from "./publish-retry.ts";

/** Time between two reads of the history, in milliseconds. */
const CHECK_INTERVAL = 250;

/**
 * Stops the answers that are being published to a topic. Any process or Worker can call this function: it publishes a message to the
 * topic, and the process with the model reads the message within a second. Your app decides which users may stop an answer.
 *
 * @param realtime The service (`createServer`, `startServer`, `getRealtime`), or a client (`connect` of `pocketwire/client`).
 * @returns a promise that resolves when the log has the message. While the service can't accept the message, it is published again,
 *   for up to 30 seconds.
 * @throws RealtimeError or RealtimeClientError if the message can't be published.
 * @example
 * ```ts
 * app.post("/api/chat/:id/stop", async (c) => {
 *   await stopStream(realtime, `chats/${c.req.param("id")}`);
 *   return c.body(null, 204);
 * });
 * ```
 */
export async function stopStream(
  realtime: AnswerServer | AnswerClient,
  topic: string,
  options: ChannelOptions = {},
): Promise<void> {
  refuseUnknown("stopStream", options, ["private"]);
  const channel = openChannel("stopStream", realtime, topic, options);
  // Not `crypto.randomUUID`: a page without HTTPS has no such function.
  const id = crypto.getRandomValues(new Uint32Array(4)).join("-");
  await publishWithRetry(() => channel.publish({ stop: true }, id));
}

/** Reads the history until it contains a message that stops the answer. */
export class StopWatch {
  readonly #channel: Channel;
  readonly #answer: string;
  readonly #onStop: () => void;
  #cursor: string | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isOver = false;

  constructor(channel: Channel, answer: string, onStop: () => void) {
    this.#channel = channel;
    this.#answer = answer;
    this.#onStop = onStop;
  }

  /** Call this when the log has the first message of the answer. */
  start(): void {
    if (this.#isOver) return;
    this.#timer = setTimeout(() => void this.#check(), CHECK_INTERVAL);
  }

  end(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
  }

  async #check(): Promise<void> {
    try {
      const isFirst = this.#cursor === undefined;
      const { data, cursor } = await this.#channel.read(this.#cursor);
      this.#cursor = cursor;
      // A stop that came before this answer was meant for an earlier answer.
      const isOwn = (one: unknown) => readAnswerMessage(one)?.answer === this.#answer;
      const own = isFirst ? data.findIndex(isOwn) : 0;
      if (own >= 0 && data.slice(own).some(isStop)) {
        this.#onStop();
        return;
      }
    } catch {
      // The history no longer has the cursor, or can't be read now. The next read begins with the newest messages.
      this.#cursor = undefined;
    }
    this.start();
  }
}
