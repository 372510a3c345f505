import type { RealtimeManager } from "../../src/realtime/manager.ts";
import { createMessage } from "../../src/realtime/message.ts";
import type { LogEntry } from "../../src/realtime/types.ts";
import { RecordingSink } from "./recording-sink.ts";

let sequence = 0;

/** A log's entry with a message to `topic`. */
export function entry(topic: string, data: unknown, isPrivate = false): LogEntry {
  sequence += 1;
  const message = createMessage({ topic, data, private: isPrivate });
  return { cursor: `0-test-${sequence}`, at: 0, message };
}

/** Connects a client that has `keys`. */
export function connect(
  manager: RealtimeManager,
  clientId: string,
  keys: readonly string[] = [],
  sink: RecordingSink = new RecordingSink(),
): RecordingSink {
  manager.registerClient(clientId, sink);
  manager.setSubscriptions(clientId, { subscriptions: keys });
  return sink;
}
