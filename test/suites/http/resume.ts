import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { publish } from "../../support/api.ts";
import { closeClients } from "../../support/clients.ts";
import { eventually } from "../../support/deadline.ts";
import { numbersOf, queryOf, received, resumed, withLastEventId } from "../../support/numbered.ts";
import { openRaw } from "../../support/raw-client.ts";
import { type RuntimeUnderTest, type Service, startService } from "../../support/service.ts";
import { openStream, type SSEClient } from "../../support/sse-client.ts";
import { type Heard, type Open, type Post, resumeByPost } from "./resume-by-post.ts";
import { resumeWithLast } from "./resume-last.ts";

export function resumeSuite(runtime: RuntimeUnderTest): void {
  describe("the start position of a stream", () => {
    let service: Service;
    beforeAll(async () => {
      service = await startService(runtime);
    });
    afterEach(closeClients);
    afterAll(() => service.stop());

    /** A message's cursor. */
    const post = async (topic: string, n: number): Promise<string> => {
      const watch = await openStream(service.url, {}, queryOf([topic]));
      expect((await publish(service.url, { topic, data: { n } })).status).toBe(200);
      const [event] = await watch.receive(1);
      watch.close();
      return event?.id ?? "";
    };
    const open = (query: string, init: RequestInit = {}) => openStream(service.url, init, query);
    /** The blocks of a stream, once there are `count` of them. */
    const blocks = async (count: number, query: string, headers: Record<string, string> = {}) => {
      const client = await openRaw(service.url, { query, headers });
      const found = () => client.body().replaceAll(": ping\n", "").split("\n\n").slice(0, -1);
      return eventually(() => found().length >= count && found(), `${count} blocks of ${query}`);
    };
    const heard = async (topic: string, ...clients: SSEClient[]) =>
      (await received(service.url, topic, ...clients)).map(numbersOf);

    bytes(blocks, post);
    headers(open, post, heard);
    resumeByPost(() => service.url, open, post, heard);
    resumeWithLast(() => service.url, open, post, heard);
  });
}

type Blocks = (
  count: number,
  query: string,
  headers?: Record<string, string>,
) => Promise<readonly string[]>;

const clientIdIn = (block = "") =>
  /^event: PB_CONNECT\ndata: {"clientId":"([^"]+)"}\nid: \1$/.exec(block)?.[1] ?? "";

function bytes(blocks: Blocks, post: Post): void {
  it("is named in the client id", async () => {
    const cursor = await post("bytes", 1);
    for (const query of ["", "?topic=bytes", "?last=0", "?last=&topic=&lastEventId="]) {
      const [connect] = await blocks(1, query);
      expect(clientIdIn(connect)).toMatch(
        new RegExp(`^${cursor}\\.(?:[a-z0-9]{8}\\.)?[\\w-]{21}$`),
      );
    }
  });

  it("is its Last-Event-ID, which is followed by the messages and by PB_RESUME with a new id", async () => {
    const [before, first] = [await post("resumed", 1), await post("resumed", 2)];
    const second = await post("resumed", 3);
    const headers = { "Last-Event-ID": before };
    const [connect, ...rest] = await blocks(4, "?topic=resumed", headers);
    expect(clientIdIn(connect)).toMatch(new RegExp(`^${before}\\.(?:[a-z0-9]{8}\\.)?[\\w-]{21}$`));
    expect(rest).toEqual([
      `event: resumed\ndata: {"n":2}\nid: ${first}`,
      `event: resumed\ndata: {"n":3}\nid: ${second}`,
      expect.stringMatching(
        new RegExp(
          `^event: PB_RESUME\ndata: {"recovered":true,"replayed":2}\nid: ${second}\\.[\\w-]+$`,
        ),
      ),
    ]);
  });

  it("is not in the client id when the newest messages come first, so that a client that is cut off gets them again", async () => {
    const [first, second] = [await post("newest", 1), await post("newest", 2)];
    const [connect, ...rest] = await blocks(3, "?topic=newest&last=2");
    expect(clientIdIn(connect)).toMatch(/^0-[a-z0-9]{10}\.(?:[a-z0-9]{8}\.)?[\w-]{21}$/);
    expect(rest).toEqual([
      `event: newest\ndata: {"n":1}\nid: ${first}`,
      `event: newest\ndata: {"n":2}\nid: ${second}`,
    ]);
  });

  it("is sent in PB_CURSOR after newest messages that are not the log's newest", async () => {
    const first = await post("old", 1);
    const now = await post("others", 2);
    const [, ...rest] = await blocks(3, "?topic=old&last=2");
    expect(rest).toEqual([
      `event: old\ndata: {"n":1}\nid: ${first}`,
      `event: PB_CURSOR\ndata: {}\nid: ${now}`,
    ]);
  });

  it("is not in the client id when the Last-Event-ID is unknown, and is in PB_RESUME", async () => {
    const cursor = await post("lost", 1);
    const headers = { "Last-Event-ID": "0-otherlife0-7" };
    const [connect, resume] = await blocks(2, "?topic=lost", headers);
    expect(clientIdIn(connect)).toMatch(/^0-[a-z0-9]{10}\.(?:[a-z0-9]{8}\.)?[\w-]{21}$/);
    expect(resume).toMatch(
      new RegExp(`^event: PB_RESUME\ndata: {"recovered":false}\nid: ${cursor}\\.[\\w-]+$`),
    );
  });
}

function headers(open: Open, post: Post, heard: Heard): void {
  it("is the header's, or the query's when the header is missing or empty", async () => {
    const first = await post("header", 1);
    const second = await post("header", 2);
    await post("header", 3);
    const inQuery = (lastEventId: string) => queryOf(["header"], { lastEventId });
    const clients = [
      await open(queryOf(["header"]), withLastEventId(first)),
      await open(inQuery(first)),
      await open(inQuery(first), withLastEventId(second)),
      await open(inQuery(second), withLastEventId(first)),
      await open(inQuery("garbage"), withLastEventId(first)),
      await open(inQuery(first), withLastEventId("")),
    ];
    const all = await heard("header", ...clients);
    expect(all).toEqual([[2, 3], [2, 3], [3], [2, 3], [2, 3], [2, 3]]);
    const none = [
      await open(queryOf(["header"]), withLastEventId("")),
      await open(inQuery("")),
      await open(queryOf(["header"])),
    ];
    expect(await heard("header", ...none)).toEqual([[], [], []]);
    for (const { events } of none) {
      expect(events.filter(({ event }) => event === "PB_RESUME")).toEqual([]);
    }
  });

  it("is lost, and never an error, when the Last-Event-ID is not a cursor", async () => {
    const cursor = await post("garbage", 1);
    const [epoch = "", sequence = ""] = cursor.split("-").slice(1);
    const garbage = [
      ...["x", "null", "-1", "0", "0-", "0--", "{}", "%0A", "../..", "0-x-y", `0-${epoch}`],
      ...[`0-${epoch}-`, `0-${epoch}--1`, `0-${epoch}-1e3`, `0-${epoch}-${Number(sequence) + 1e6}`],
      ...[`9-${epoch}-${sequence}`, `0-${epoch}x-${sequence}`, `0-${"9".repeat(4)}-${sequence}`],
      ...[
        ` ${cursor}x`,
        `${cursor}~`,
        `${cursor}~UPPER`,
        "9".repeat(255),
        `0-${epoch}-${"9".repeat(16)}`,
      ],
      ...["x".repeat(256), "0-".repeat(2000)],
    ];
    const clients = [
      ...(await Promise.all(garbage.map((id) => open(queryOf(["garbage"]), withLastEventId(id))))),
      ...(await Promise.all(
        [...garbage, "🎉", "a\nid: b\n\n", "\0"].map((lastEventId) =>
          open(queryOf(["garbage"], { lastEventId })),
        ),
      )),
    ];
    await post("garbage", 2);
    const all = await heard("garbage", ...clients);
    for (const [index, client] of clients.entries()) {
      const name = garbage[index % garbage.length];
      expect([name, await resumed(client)]).toEqual([name, { recovered: false }]);
      expect([name, client.events[0]?.event, all[index]]).toEqual([name, "PB_RESUME", [2]]);
    }
  });

  it("can be the id of a PB_RESUME that reported a lost cursor", async () => {
    const lost = await open("?topic=again", withLastEventId("garbage"));
    const event = (await lost.receive(1))[0];
    lost.close();
    await post("again", 1);
    const back = await open("?topic=again", withLastEventId(event?.id));
    expect(await resumed(back)).toEqual({ recovered: true, replayed: 1 });
    expect(await heard("again", back)).toEqual([[1]]);
  });

  it("can be the client id, or the id of PB_RESUME", async () => {
    const first = await open("?topic=ids");
    first.close();
    await post("ids", 1);
    const second = await open("?topic=ids", withLastEventId(first.clientId));
    expect(await resumed(second)).toEqual({ recovered: true, replayed: 1 });
    const resume = second.events.find(({ event }) => event === "PB_RESUME");
    second.close();
    await post("ids", 2);
    for (const id of [second.clientId, resume?.id]) {
      const third = await open("?topic=ids", withLastEventId(id));
      expect(await heard("ids", third)).toEqual([id === resume?.id ? [2] : [1, 2]]);
    }
  });
}
