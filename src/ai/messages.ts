/** The messages of an answer in its topic (docs/ai.md, "What is in the topic?"). */
import type { UIMessageChunk } from "ai";

/** How an answer ended: `failed` if the model or the publishing failed. */
export type AnswerEnd = "finished" | "stopped" | "failed";

interface AnswerMessage {
  /** Id of the answer. */
  readonly answer: string;
  /** Number of the message in its answer, from 0 without a gap. */
  readonly index: number;
}

/** Parts of an answer, in order. The list is empty in the first message, and while the model writes nothing. */
export interface PartsMessage extends AnswerMessage {
  readonly parts: readonly UIMessageChunk[];
}

/** The last message of an answer. */
export interface EndMessage extends AnswerMessage {
  readonly end: AnswerEnd;
  /** Only with `failed`: the text for the readers. */
  readonly error?: string;
  /** Id of the message that the answer became, if the stream had one. */
  readonly messageId?: string;
}

/** Stops all answers of the topic that began before this message. */
export interface StopMessage {
  readonly stop: true;
}

/**
 * The longest time between two messages of an answer, in milliseconds. A publisher sends a message without parts when the model is
 * silent for this time, so that readers can tell a slow model from a process that has ended.
 */
export const MAX_SILENCE = 10_000;

/** Reads the data of a message. Returns undefined unless the message belongs to an answer. */
export function readAnswerMessage(data: unknown): PartsMessage | EndMessage | undefined {
  const message = Object(data) as Partial<PartsMessage & EndMessage>;
  if (typeof message.answer !== "string" || !Number.isSafeInteger(message.index)) return undefined;
  const isKnown = Array.isArray(message.parts) || typeof message.end === "string";
  return isKnown ? (message as PartsMessage | EndMessage) : undefined;
}

export function isStop(data: unknown): boolean {
  return Object(data).stop === true;
}
