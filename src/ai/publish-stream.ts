import type { UIMessageChunk } from "ai";
import {
  type AnswerClient,
  type AnswerServer,
  type ChannelOptions,
  openChannel,
} from "./channel.ts";
import type { AnswerEnd } from "./messages.ts";
import { refuseUnknown } from "./options.ts";
import { Publication } from "./publication.ts";

/** A stream of the AI SDK's parts (`result.toUIMessageStream()`), or of texts (`result.textStream`). */
export type AnswerStream = ReadableStream<UIMessageChunk> | ReadableStream<string>;

/**
 * The stream that `publishStream` publishes, or a function that returns it. A stop aborts the signal that the function gets. Pass
 * the signal to the model, so that the model stops.
 */
export type AnswerSource =
  | AnswerStream
  | ((signal: AbortSignal) => AnswerStream | Promise<AnswerStream>);

/** Options of `publishStream`. */
export interface PublishStreamOptions extends ChannelOptions {
  /** Id of the answer, 1 to 200 characters. Default: a random id. */
  readonly id?: string | undefined;
  /** Shortest time between two messages, 10 to 1,000 milliseconds. Parts that come faster share a message. Default 30. */
  readonly interval?: number | undefined;
  /**
   * Called with each error of the stream, the model or the publishing. Returns the text for the readers of the answer. Default: the
   * error is logged with `console.error`, and the text is "An error occurred.".
   */
  readonly onError?: ((error: unknown) => string) | undefined;
}

/** An answer that is being published. */
export interface PublishedStream {
  /** Id of the answer. Your route responds with `{ "answer": id }`. */
  readonly id: string;
  /** How the answer ended. Never rejects. On Workers: `ctx.waitUntil(ended)`. */
  readonly ended: Promise<AnswerEnd>;
}

/**
 * Publishes the answer of a model to a topic, even if the page that asked is closed. Readers (`createChatTransport`) receive every
 * part once and in order, whenever they join. `stopStream` stops the answer.
 *
 * @param realtime The service (`createServer`, `startServer`, `getRealtime`), or a client (`connect` of `pocketwire/client`).
 * @throws TypeError for an argument or option that is not what it must be.
 * @example
 * ```ts
 * const { id, ended } = publishStream(realtime, `chats/${chatId}`, (abortSignal) =>
 *   streamText({ model, messages, abortSignal }).toUIMessageStream(),
 * );
 * ```
 */
export function publishStream(
  realtime: AnswerServer | AnswerClient,
  topic: string,
  stream: AnswerSource,
  options: PublishStreamOptions = {},
): PublishedStream {
  refuseUnknown("publishStream", options, ["private", "id", "interval", "onError"]);
  const { id = crypto.randomUUID(), interval = 30, onError } = options;
  if (typeof id !== "string" || !/^[^\t\0]{1,200}$/u.test(id)) {
    throw new TypeError("publishStream: id must have 1 to 200 characters, without tabs and NUL.");
  }
  if (!(interval >= 10 && interval <= 1000)) {
    throw new TypeError("publishStream: interval must be a number from 10 to 1000.");
  }
  if (onError !== undefined && typeof onError !== "function") {
    throw new TypeError("publishStream: onError must be a function.");
  }
  const isFunction = typeof stream === "function";
  if (!isFunction && typeof stream?.getReader !== "function") {
    throw new TypeError(
      "publishStream: the third argument must be a ReadableStream, or a function that returns one.",
    );
  }
  const channel = openChannel("publishStream", realtime, topic, options);
  const open = isFunction ? stream : undefined;
  const publication = new Publication(channel, {
    ...{ id, interval, onError },
    open: open === undefined ? () => stream as AnswerStream : async (signal) => open(signal),
    endsBySignal: isFunction,
  });
  return { id, ended: publication.run() };
}
