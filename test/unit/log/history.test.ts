import { describe, expect, it } from "vitest";
import { RealtimeManager } from "../../../src/realtime/manager.ts";
import {
  allAfter,
  ids,
  logOf,
  MARK,
  message,
  placeOf,
  read,
} from "../../support/history-under-test.ts";
import { RecordingSink } from "../../support/recording-sink.ts";

describe("the history", () => {
  it("is the newest messages by default, oldest first", async () => {
    const log = logOf(ids(10).map((id) => message(id)));
    expect(await read(log, { limit: 3 })).toMatchObject({ ids: ["m8", "m9", "m10"], more: true });
    expect(await read(log, { limit: 10 })).toMatchObject({ ids: ids(10), more: false });
    expect(await read(log)).toMatchObject({ ids: ids(10), more: false, cursor: log.cursor() });
  });

  it("gives the log's own entries", async () => {
    const log = logOf([message("a"), message("b")]);
    expect((await read(log)).messages).toEqual((await log.read(undefined, 10))?.entries);
  });

  it("has no changes, and leaves the log's entries as they are", async () => {
    const changed = message("a", "chat", { change: '{"collection":{"name":"posts"}}' });
    const log = logOf([changed]);
    const [entry] = (await read(log)).messages;
    expect(entry?.message).toEqual(message("a"));
    expect(entry?.message).not.toHaveProperty("change");
    expect((await log.read(undefined, 10))?.entries.map((kept) => kept.message)).toEqual([changed]);
  });

  it("of an empty log is empty, and so is one that is off", async () => {
    for (const log of [logOf([]), logOf([message("a")], { messages: 0 })]) {
      expect(await read(log)).toMatchObject({ ids: [], more: false, cursor: log.cursor() });
      const after = await read(log, { after: log.cursor() });
      expect(after).toMatchObject({ ids: [], more: false, cursor: log.cursor() });
    }
  });

  it("after a cursor is the oldest there are behind it", async () => {
    const log = logOf(ids(10).map((id) => message(id)));
    const page = await read(log, { after: placeOf(log, 4), limit: 3 });
    expect(page).toMatchObject({ ids: ["m5", "m6", "m7"], more: true, cursor: placeOf(log, 7) });
    const last = await read(log, { after: page.cursor, limit: 3 });
    expect(last).toMatchObject({ ids: ["m8", "m9", "m10"], more: false, cursor: log.cursor() });
  });

  it("before a cursor is the newest there are in front of it, oldest first", async () => {
    const log = logOf(ids(10).map((id) => message(id)));
    const page = await read(log, { before: placeOf(log, 8), limit: 3 });
    expect(page).toMatchObject({ ids: ["m5", "m6", "m7"], more: true, cursor: placeOf(log, 7) });
    const first = await read(log, { before: placeOf(log, 4), limit: 3 });
    expect(first).toMatchObject({ ids: ["m1", "m2", "m3"], more: false });
    expect(await read(log, { before: placeOf(log, 1) })).toMatchObject({ ids: [], more: false });
  });

  it("has nothing before a cursor that is yet to come", async () => {
    const log = logOf(ids(3).map((id) => message(id)));
    for (const sequence of [4, 5, 100]) {
      const asked = read(log, { before: placeOf(log, sequence) });
      await expect(asked).rejects.toMatchObject({ code: "unknown_cursor" });
    }
  });

  it("read back page by page, each before its first message, has every message once", async () => {
    const log = logOf(ids(25).map((id) => message(id)));
    const pages: string[][] = [];
    let before: string | undefined;
    for (let more = true; more; ) {
      const page = await read(log, { before, limit: 10 });
      pages.unshift(page.ids);
      before = page.messages[0]?.cursor;
      more = page.more;
    }
    expect(pages.map(({ length }) => length)).toEqual([5, 10, 10]);
    expect(pages.flat()).toEqual(ids(25));
  });

  it("is of the keys asked for alone, patterns and options as in a subscription", async () => {
    const log = logOf([
      message("1", "posts/r1"),
      message("2", "posts"),
      message("3", "chat", { topics: ["chat", "posts/r2"] }),
      message("4", "posts/r1/comments"),
      message("5", "chat?room=1"),
    ]);
    const cases: [topics: string[], ids: string[]][] = [
      [["posts"], ["2"]],
      [["posts/*"], ["1", "3", "4"]],
      [["posts/r1/*"], ["4"]],
      [["*"], ["1", "2", "3", "4", "5"]],
      [['posts/*?options={"query":{"last":1}}'], ["1", "3", "4"]],
      [["chat?room=1"], ["5"]],
      [['chat?room=1&options={"headers":{}}'], ["5"]],
      [["chat?options={}"], ["3"]],
      [
        ["posts/*", "posts/r2", "chat", "posts"],
        ["1", "2", "3", "4"],
      ],
      [["nothing"], []],
      [[], []],
    ];
    for (const [topics, expected] of cases) {
      const label = topics.join(" and ");
      expect((await read(log, { topics })).ids, label).toEqual(expected);
      expect((await read(log, { topics, after: placeOf(log, 0) })).ids, label).toEqual(expected);
    }
  });
});

describe("a page's cursor", () => {
  const mixed = ids(100).map((id, index) => message(id, index % 3 === 0 ? "chat" : "other"));
  const chat = ids(100).filter((_, index) => index % 3 === 0);

  it("is where the next page begins: all of them have every message once, and no empty page", async () => {
    const log = logOf(mixed);
    for (const limit of [1, 2, 7, 33, 34, 35, 1000]) {
      const { pages, cursor } = await allAfter(log, placeOf(log, 0), { limit });
      expect(pages.flat()).toEqual(chat);
      expect(pages).toHaveLength(Math.ceil(chat.length / limit));
      expect(cursor).toBe(log.cursor());
    }
  });

  it("is a cursor to listen from, and no message is missed or repeated", async () => {
    for (const request of [{}, { limit: 5 }, { limit: 5, after: "start" }]) {
      const log = logOf(mixed);
      const manager = new RealtimeManager();
      manager.follow(log);
      const after = "after" in request ? placeOf(log, 0) : undefined;
      const page = await read(log, { ...request, after });
      await log.append([message("later", "other"), message("late")]);
      const sink = new RecordingSink();
      manager.registerClient("a", sink);
      manager.setSubscriptions("a", { subscriptions: ["chat"], lastEventId: page.cursor });
      const rest = after === undefined ? ["late"] : [...chat.slice(5), "late"];
      await sink.receive(rest.length + 1, "what came since, and that it was recovered");
      expect(sink.data("chat")).toEqual(rest);
      expect(sink.data("PB_RESUME")).toEqual([{ recovered: true, replayed: rest.length }]);
    }
  });

  it("before a cursor is the cursor of the page's end: the next page begins with that cursor's message", async () => {
    const log = logOf(mixed);
    // An id that is no message's own stands behind the message it names: here one of the topic.
    for (const [rest, from] of [
      ["", 8],
      [MARK, 9],
      [".x", 9],
      [`${MARK}.x`, 9],
    ] as const) {
      const page = await read(log, { before: placeOf(log, 40) + rest, limit: 5 });
      const after = await read(log, { after: page.cursor });
      expect([...page.ids, ...after.ids], rest).toEqual(chat.slice(from));
    }
    const first = await read(log, { before: placeOf(log, 0) });
    expect((await read(log, { after: first.cursor })).ids).toEqual(chat);
  });

  it("may have a key and a suffix, as an event's id", async () => {
    const log = logOf(ids(5).map((id) => message(id)));
    for (const rest of [MARK, ".x", `${MARK}.x`]) {
      const cursor = placeOf(log, 3) + rest;
      expect((await read(log, { after: cursor })).ids, rest).toEqual(["m4", "m5"]);
      expect((await read(log, { before: cursor })).ids, rest).toEqual(["m1", "m2", "m3"]);
    }
    const end = `${log.cursor()}.x`;
    expect(await read(log, { after: end })).toMatchObject({ ids: [], more: false, cursor: end });
  });

  it("that the log does not know is an error that says so", async () => {
    const log = logOf(
      ids(10).map((id) => message(id)),
      { messages: 5 },
    );
    const other = logOf([message("a"), message("b")]);
    const unknown = [placeOf(log, 11), placeOf(log, 1000), other.cursor(), "0-x-1", "x", ""];
    const left = [placeOf(log, 0), placeOf(log, 4)];
    for (const after of [...unknown, ...left]) {
      await expect(read(log, { after }), after).rejects.toMatchObject({
        code: "unknown_cursor",
        message: expect.stringContaining('"after"'),
      });
    }
    for (const before of unknown.filter((cursor) => cursor !== placeOf(log, 11))) {
      await expect(read(log, { before }), before).rejects.toMatchObject({
        code: "unknown_cursor",
        message: expect.stringContaining('"before"'),
      });
    }
    expect((await read(log, { after: placeOf(log, 5) })).ids).toHaveLength(5);
    for (const before of left) {
      expect(await read(log, { before })).toMatchObject({ ids: [], more: false });
    }
  });
});
