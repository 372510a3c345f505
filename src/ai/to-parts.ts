import type { UIMessageChunk } from "ai";

/** Turns what a stream contains into parts. */
export interface PartReader {
  /** @throws TypeError unless the chunk is a part, or a text in a stream of texts. */
  read(chunk: unknown): readonly UIMessageChunk[];
  /** Returns the parts that end a stream of texts. */
  end(): readonly UIMessageChunk[];
}

/**
 * Creates a reader of a stream of parts or of texts. The texts of a stream become one text part of a message.
 *
 * @param messageId Id of the message that the texts become.
 */
export function createPartReader(messageId: string): PartReader {
  let kind: "parts" | "texts" | undefined;
  const id = "text";
  return {
    read(chunk) {
      const isText = typeof chunk === "string";
      if (!isText && typeof Object(chunk).type !== "string") {
        throw new TypeError(
          "The stream must contain parts of the AI SDK, with a `type`, or texts. Pass result.toUIMessageStream() or result.textStream.",
        );
      }
      const isFirst = kind === undefined;
      kind ??= isText ? "texts" : "parts";
      if (isText !== (kind === "texts")) {
        throw new TypeError("The stream contains parts and texts. Write the texts as parts.");
      }
      if (!isText) return [chunk as UIMessageChunk];
      const delta: UIMessageChunk = { type: "text-delta", id, delta: chunk };
      return isFirst ? [{ type: "start", messageId }, { type: "text-start", id }, delta] : [delta];
    },
    end() {
      return kind === "texts" ? [{ type: "text-end", id }, { type: "finish" }] : [];
    },
  };
}
