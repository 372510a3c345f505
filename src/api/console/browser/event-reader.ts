import type { ShownEvent } from "./events.ts";
import type { StreamBlock } from "./sse.ts";
import type { Subscriptions } from "./subscriptions.ts";

/** Creates the function that reads an event of the stream, as the list shows it. */
export function createEventReader(
  split: Subscriptions["split"],
): (block: StreamBlock) => ShownEvent {
  /** The kind of a message: the action of a record event, "presence" or "message". */
  const kindOf = (topic: string, data: unknown): string => {
    if (topic.startsWith("$presence/")) return "presence";
    const { action, record } = (data ?? {}) as { action?: unknown; record?: unknown };
    return typeof action === "string" && record !== undefined ? action : "message";
  };

  /** Reads the envelope. Undefined for an event without an envelope. */
  const readMessage = (key: string, text: string): Partial<ShownEvent> | undefined => {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      return undefined;
    }
    // Events that an app sends to one client have no envelope. The user may also have switched the envelope off for a key.
    const { topic, id, at, data } = (value ?? {}) as Record<string, unknown>;
    if (typeof topic !== "string" || typeof at !== "string" || data === undefined) return undefined;
    return {
      kind: kindOf(topic, data),
      name: topic,
      data: JSON.stringify(data),
      at,
      messageId: String(id),
      key,
    };
  };

  return ({ type, data = "", id = "", retry, comment }) => {
    const isService = /^PB_(CONNECT|RESUME|CURSOR|AUTH_EXPIRED)$/.test(type);
    const key = split(type).join(" ");
    const event = { name: key, data, cursor: id, type, retry, comment };
    if (isService) return { ...event, kind: "service" };
    return { ...event, kind: "message", ...readMessage(key, data) };
  };
}
