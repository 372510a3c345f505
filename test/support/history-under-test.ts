import { expect } from "vitest";
import { type HistoryPage, type HistoryRequest, readHistory } from "../../src/log/history.ts";
import type { HistoryLimits, MessageLog } from "../../src/log/log.ts";
import { createMemoryLog } from "../../src/log/memory.ts";
import { formatCursor, hashKey, parseCursor } from "../../src/realtime/cursor.ts";
import { MessageContents } from "../../src/realtime/records/message-contents.ts";
import type { LogReader, Message } from "../../src/realtime/types.ts";
import { within } from "./deadline.ts";

export function message(id: string, topic = "chat", rest: Partial<Message> = {}): Message {
  return { id, topics: [topic], data: JSON.stringify(id), private: false, ...rest };
}

/** The part of an event's id after the cursor, which is the hash of a key. */
export const MARK = `~${hashKey("chat")}`;

/** `count` ids from m1 on. */
export const ids = (count: number) => Array.from({ length: count }, (_, index) => `m${index + 1}`);

export function logOf(
  messages: readonly Message[],
  history?: Partial<HistoryLimits>,
): MessageLog & LogReader {
  const log = createMemoryLog({ history });
  void log.append(messages);
  return log;
}

/** The cursor of the `count`-th message. */
export function placeOf(log: LogReader, count: number): string {
  const newest = parseCursor(log.cursor());
  if (newest === undefined) throw new Error("The log has no cursor.");
  return formatCursor({ ...newest, sequence: count });
}

export async function read(log: LogReader, request: Partial<HistoryRequest> = {}) {
  const page = await within(
    readHistory(log, { topics: ["chat"], limit: 100, ...request }, new MessageContents()),
    20_000,
    "the history is read",
  );
  return { ...page, ids: idsOf(page) };
}

export const idsOf = (page: HistoryPage) => page.messages.map((entry) => entry.message.id);

/** An asynchronous log that calls a function before each read returns. */
export function slowed(log: MessageLog, meanwhile: () => unknown = () => {}): LogReader {
  const later = async <T>(ask: () => T | Promise<T>): Promise<T> => {
    await Promise.resolve();
    await meanwhile();
    return ask();
  };
  return {
    keepsHistory: log.keepsHistory,
    cursor: () => log.cursor(),
    hasReached: (cursor) => log.hasReached(cursor),
    tail: (listener) => log.tail(listener),
    read: (...all) => later(() => log.read(...all)),
    readBack: (...all) => later(() => log.readBack(...all)),
  };
}

/** All pages after a cursor. */
export async function allAfter(log: LogReader, after: string, request: Partial<HistoryRequest>) {
  const pages: string[][] = [];
  let cursor = after;
  for (;;) {
    const page = await read(log, { ...request, after: cursor });
    pages.push(page.ids);
    cursor = page.cursor;
    if (!page.more) return { pages, cursor };
    expect(page.ids.length, "a page before the last has messages").toBeGreaterThan(0);
  }
}
