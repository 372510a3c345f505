/** The form of messages in Redis. The scripts read the topics of a header, and the lines of a kept message. */
import type { SequencedContent, SequencedEntry } from "../../../log/replica/sequencer.ts";
import type { Message } from "../../../realtime/types.ts";

/** The properties of a message besides its data and its change, as JSON. */
interface Header {
  readonly id: string;
  readonly topics: readonly string[];
  readonly private?: true;
  readonly ttl?: number;
  readonly traceparent?: string;
}

/** Encodes the header of a message. */
export function encodeHeader(message: Message): string {
  const header: Header = {
    id: message.id,
    topics: message.topics,
    ...(message.private && { private: true }),
    ...(message.ttl !== undefined && { ttl: message.ttl }),
    ...(message.traceparent !== undefined && { traceparent: message.traceparent }),
  };
  return JSON.stringify(header);
}

/** Decodes an entry of the stream: its id, and names and values of its fields by turns. */
export function decodeEntry(id: string, fields: readonly string[]): SequencedEntry {
  const values: Record<string, string> = {};
  for (let index = 0; index < fields.length; index += 2) {
    values[fields[index] ?? ""] = fields[index + 1] ?? "";
  }
  const { e = "", t, k, d = "", h, c = "" } = values;
  const content = h === undefined ? decodeControl(k, d) : decodeMessage(h, d, c);
  const [sequence, index] = id.split("-");
  return { sequence: Number(sequence), index: Number(index), epoch: e, at: Number(t), content };
}

/** Decodes a kept message: lines with epoch, time, size, header, data and change. */
export function decodeKept(sequence: string, payload: string): SequencedEntry {
  const [epoch = "", at = "", , header = "{}", data = "", change = ""] = payload.split("\n");
  const content = decodeMessage(header, data, change);
  return { sequence: Number(sequence), index: 0, epoch, at: Number(at), content };
}

function decodeMessage(header: string, data: string, change: string): SequencedContent {
  // The cast: only `encodeHeader` writes headers.
  const { id, topics, private: isPrivate = false, ttl, traceparent } = JSON.parse(header) as Header;
  const message = { id, topics, data, private: isPrivate };
  return {
    kind: "message",
    message: {
      ...message,
      ...(change !== "" && { change }),
      ...(ttl !== undefined && { ttl }),
      ...(traceparent !== undefined && { traceparent }),
    },
  };
}

function decodeControl(kind: string | undefined, value: string): SequencedContent {
  if (kind === "erasure") return { kind, topic: value };
  if (kind === "revocation") return { kind, subject: value };
  return { kind: "erased" };
}
