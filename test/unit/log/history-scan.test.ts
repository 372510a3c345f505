import { describe, expect, it } from "vitest";
import type { LogReader, Message } from "../../../src/realtime/types.ts";
import {
  allAfter,
  ids,
  logOf,
  MARK,
  message,
  placeOf,
  read,
  slowed,
} from "../../support/history-under-test.ts";

/** The service lets so much data into one answer, in UTF-16 code units. */
const MOST_DATA = 4 * 1024 * 1024;

function large(id: string, size: number, rest: Partial<Message> = {}): Message {
  return message(id, "chat", { data: `"${"x".repeat(size - 2)}"`, ...rest });
}

/** The same log, and a log with a promise for every answer. */
function bothWays(log: Parameters<typeof slowed>[0]): [name: string, log: LogReader][] {
  return [
    ["plainly", log],
    ["with promises", slowed(log)],
  ];
}

describe("private messages", () => {
  const secret = (id: string, rest: Partial<Message> = {}) =>
    message(id, "chat", { private: true, ...rest });

  it("are not in the history, whichever way it is read", async () => {
    const log = logOf([secret("a"), message("b"), secret("c"), message("d"), secret("e")]);
    expect((await read(log)).ids).toEqual(["b", "d"]);
    expect((await read(log, { topics: ["*"] })).ids).toEqual(["b", "d"]);
    expect((await read(log, { after: placeOf(log, 0) })).ids).toEqual(["b", "d"]);
    expect((await read(log, { before: placeOf(log, 5) })).ids).toEqual(["b", "d"]);
  });

  it("do not show in whether there is more", async () => {
    const log = logOf([secret("a"), message("b"), message("c"), secret("d")]);
    expect(await read(log, { limit: 2 })).toMatchObject({ ids: ["b", "c"], more: false });
    const after = await read(log, { limit: 2, after: placeOf(log, 1) });
    expect(after).toMatchObject({ ids: ["b", "c"], more: false });
    const only = logOf([secret("a"), secret("b")]);
    expect(await read(only, { limit: 1 })).toMatchObject({ ids: [], more: false });
    const start = placeOf(only, 0);
    expect(await read(only, { limit: 1, after: start })).toMatchObject({ ids: [], more: false });
  });

  it("do not count for how much data a page has", async () => {
    const half = MOST_DATA / 2;
    const log = logOf([
      large("a", half),
      large("s1", half, { private: true }),
      large("s2", MOST_DATA, { private: true }),
      large("b", half),
    ]);
    expect(await read(log)).toMatchObject({ ids: ["a", "b"], more: false });
    const after = await read(log, { after: placeOf(log, 0) });
    expect(after).toMatchObject({ ids: ["a", "b"], more: false });
  });

  it("do not count for a page's limit", async () => {
    const log = logOf([message("a"), secret("s1"), secret("s2"), message("b"), secret("s3")]);
    expect(await read(log, { limit: 2 })).toMatchObject({ ids: ["a", "b"], more: false });
  });
});

describe("a page with large messages", () => {
  const third = Math.floor(MOST_DATA / 3);

  it("ends where its data would be too much, and the next goes on there", async () => {
    const log = logOf([..."abcdefg"].map((id) => large(id, third)));
    expect(await read(log)).toMatchObject({ ids: ["e", "f", "g"], more: true });
    const before = await read(log, { before: placeOf(log, 5) });
    expect(before).toMatchObject({ ids: ["b", "c", "d"], more: true });
    const { pages } = await allAfter(log, placeOf(log, 0), {});
    expect(pages).toEqual([["a", "b", "c"], ["d", "e", "f"], ["g"]]);
  });

  it("has one, however large it is", async () => {
    const log = logOf([large("a", 2 * MOST_DATA), large("b", 2 * MOST_DATA), message("c")]);
    expect((await allAfter(log, placeOf(log, 0), {})).pages).toEqual([["a"], ["b"], ["c"]]);
    expect(await read(log)).toMatchObject({ ids: ["c"], more: true });
    expect(await read(log, { before: placeOf(log, 3) })).toMatchObject({ ids: ["b"], more: true });
    expect(await read(log, { before: placeOf(log, 2) })).toMatchObject({ ids: ["a"], more: false });
  });

  it("is not cut by messages of other topics", async () => {
    const other = Array.from({ length: 8 }, (_, index) =>
      large(`o${index}`, third, { topics: ["other"] }),
    );
    const log = logOf([message("a"), ...other, message("b")]);
    expect(await read(log)).toMatchObject({ ids: ["a", "b"], more: false });
  });
});

describe("a long history", () => {
  // Few of the topic among many, so that several readings make a page.
  const sparse = ids(5000).map((id, index) => message(id, index % 500 === 0 ? "chat" : "other"));
  const chat = ids(5000).filter((_, index) => index % 500 === 0);

  for (const [name, log] of bothWays(logOf(sparse))) {
    it(`is looked through whole for the few that match, in a log that answers ${name}`, async () => {
      expect(await read(log)).toMatchObject({ ids: chat, more: false, cursor: log.cursor() });
      const three = await read(log, { limit: 3 });
      expect(three).toMatchObject({ ids: chat.slice(-3), more: true });
      const exact = await read(log, { limit: chat.length });
      expect(exact).toMatchObject({ ids: chat, more: false });
      const { pages, cursor } = await allAfter(log, placeOf(log, 0), { limit: 4 });
      expect(pages).toEqual([chat.slice(0, 4), chat.slice(4, 8), chat.slice(8)]);
      expect(cursor).toBe(log.cursor());
      expect(await read(log, { topics: ["none"] })).toMatchObject({ ids: [], more: false });
    });
  }

  it("lets timers run while it is scanned", async () => {
    const log = logOf(sparse);
    let timers = 0;
    const timer = setInterval(() => {
      timers += 1;
    });
    await read(log, { topics: ["none"] });
    clearInterval(timer);
    expect(timers).toBeGreaterThan(0);
  });

  it("that fails to answer fails the reading", async () => {
    const broken = slowed(logOf(sparse), () => Promise.reject(new Error("the log is away")));
    await expect(read(broken)).rejects.toThrow("the log is away");
  });
});

describe("messages published while the history is looked through", () => {
  const sparse = ids(3000).map((id, index) => message(id, index % 500 === 0 ? "chat" : "other"));
  const chat = ids(3000).filter((_, index) => index % 500 === 0);

  /** A log to which five messages come with every reading, before it is answered, as long as `isOpen`. */
  function busy() {
    const log = logOf(sparse);
    const published: string[] = [];
    const state = { isOpen: true };
    const reader = slowed(log, () => {
      if (!state.isOpen) return;
      const fresh = Array.from({ length: 5 }, (_, index) => `late${published.length + index}`);
      published.push(...fresh);
      return log.append(fresh.map((id) => message(id)));
    });
    return { reader, published, state };
  }

  it("are in no page of the newest, and all of them behind it", async () => {
    const { reader, published, state } = busy();
    const end = reader.cursor();
    const page = await read(reader);
    expect(published.length).toBeGreaterThan(0);
    expect(page).toMatchObject({ ids: chat, more: false, cursor: end });
    state.isOpen = false;
    expect((await read(reader, { after: page.cursor })).ids).toEqual(published);
  });

  for (const rest of ["", ".suffix", MARK]) {
    it(`do not keep a page after a cursor (${rest || "plain"}) from its end`, async () => {
      const { reader, published, state } = busy();
      const page = await read(reader, { after: placeOf(reader, 0) + rest, limit: 1000 });
      expect(page).toMatchObject({ ids: chat, more: false });
      // From the end itself: nothing had been published behind it when it was asked.
      const end = reader.cursor() + rest;
      const before = published.length;
      expect(await read(reader, { after: end })).toMatchObject({ ids: [], more: false });
      state.isOpen = false;
      expect((await read(reader, { after: page.cursor })).ids).toEqual(published);
      expect((await read(reader, { after: end })).ids).toEqual(published.slice(before));
    });
  }

  it("that push out what is yet to be read make it an error, not a gap", async () => {
    const log = logOf(sparse, { messages: 3000 });
    const reader = slowed(log, () =>
      log.append(ids(1500).map((id) => message(`${log.cursor()} ${id}`, "other"))),
    );
    const reading = read(reader, { after: placeOf(log, 0) });
    await expect(reading).rejects.toMatchObject({ code: "unknown_cursor" });
  });
});
