/**
 * `pocketwire/ai`: answers of language models that survive a reload. `publishStream` and `stopStream` run beside the model, and
 * `createChatTransport` in the page. Neither half imports the other, so a bundler leaves out what a page does not use.
 */

export type { AnswerClient, AnswerServer, ChannelOptions } from "./ai/channel.ts";
export {
  type ChatTransportOptions,
  createChatTransport,
  type RealtimeChatTransport,
} from "./ai/chat-transport.ts";
export type { AnswerEnd, EndMessage, PartsMessage, StopMessage } from "./ai/messages.ts";
export {
  type AnswerSource,
  type AnswerStream,
  type PublishedStream,
  type PublishStreamOptions,
  publishStream,
} from "./ai/publish-stream.ts";
export { stopStream } from "./ai/stop.ts";
export type { AnswerSubscriber } from "./ai/topic-feed.ts";
