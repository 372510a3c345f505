import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  createResumingEventSource,
  type EventSourceClass,
} from "../../../src/client/event-source.ts";
import { FakeEventSource } from "../../support/fake-event-source.ts";

const Resuming = createResumingEventSource(FakeEventSource as unknown as EventSourceClass);
/** Each test has an address of its own, because ended streams are kept by address. */
let address = "";
let count = 0;

/** Does what the PocketBase SDK does with its event source. */
class Page {
  stream: EventSource | undefined;
  readonly received: string[] = [];
  errors = 0;
  #listeners: [key: string, listener: (event: MessageEvent) => void][] = [];

  constructor(...keys: string[]) {
    for (const key of keys) this.subscribe(key);
    this.connect();
  }

  subscribe(key: string): void {
    this.#listeners.push([
      key,
      ({ type, data, lastEventId }) => this.received.push(`${type} ${data} ${lastEventId}`),
    ]);
  }

  /** @returns the connection of the new stream. */
  connect(): FakeEventSource {
    const stream = new Resuming(address);
    this.stream = stream;
    stream.onerror = () => {
      this.errors += 1;
      this.#close();
    };
    stream.addEventListener("PB_CONNECT", () => {
      queueMicrotask(() => {
        for (const [key, listener] of this.#listeners) stream.addEventListener(key, listener);
      });
    });
    return FakeEventSource.last;
  }

  unsubscribe(): void {
    this.#close();
    this.#listeners = [];
  }

  /** Closes without an error of the stream, as the SDK does when its request fails. */
  giveUp(): void {
    this.#close();
  }

  #close(): void {
    for (const [key, listener] of this.#listeners) this.stream?.removeEventListener(key, listener);
    this.stream?.close();
    this.stream = undefined;
  }
}

/** Sends PB_CONNECT, and lets the page add its listeners. */
async function open(source: FakeEventSource, id: string): Promise<void> {
  source.send("PB_CONNECT", id);
  await Promise.resolve();
  await Promise.resolve();
}

const settle = () => vi.advanceTimersByTime(2_000);

/** A page with an open stream, and the time of its first request over. */
async function openPage(id: string, ...keys: string[]): Promise<[Page, FakeEventSource]> {
  const page = new Page(...keys);
  const source = FakeEventSource.last;
  await open(source, id);
  settle();
  return [page, source];
}

beforeEach(() => {
  vi.useFakeTimers();
  FakeEventSource.created = [];
  count += 1;
  address = `https://rt.example/${count}/api/realtime`;
});
afterEach(() => void vi.useRealTimers());

describe("a stream after a break", () => {
  it("adds nothing to the address of the first stream", async () => {
    await openPage("0-e-1.a", "chat");
    expect(FakeEventSource.last.url).toBe(address);
  });

  it.each([["chat"], ["PB_RESUME"], ["PB_CURSOR"], ["PB_CONNECT"]])(
    "continues after the last event, whatever its type: %s",
    async (type) => {
      const [page, source] = await openPage("0-e-1.a", "chat");
      source.send("chat", "0-e-2");
      source.send(type, "0-e-3");
      source.fail();
      settle();
      expect(page.connect().cursor).toBe("0-e-3");
    },
  );

  it("continues from the client id if no other event came", async () => {
    const [page, source] = await openPage("0-e-1.a", "chat");
    source.fail();
    expect(page.connect().cursor).toBe("0-e-1.a");
  });

  it("knows the ids of a subscription that was added later", async () => {
    const [page, source] = await openPage("0-e-1.a", "chat");
    page.stream?.addEventListener("news", () => {});
    source.send("news", "0-e-2");
    source.fail();
    expect(page.connect().cursor).toBe("0-e-2");
  });

  it("keeps the cursor over attempts that fail", async () => {
    const [page, source] = await openPage("0-e-1.a", "chat");
    source.fail();
    for (const givesUp of [true, false]) page.connect().fail(givesUp);
    // The SDK closes a stream that takes long to connect.
    page.connect();
    page.giveUp();
    expect(page.connect().cursor).toBe("0-e-1.a");
    expect(page.errors).toBe(3);
  });

  it("keeps the cursor when the SDK's request fails", async () => {
    const [page, source] = await openPage("0-e-1.a", "chat");
    source.fail();
    const second = page.connect();
    await open(second, "0-e-1.b");
    second.send("chat", "0-e-2");
    page.giveUp();
    expect(page.connect().cursor).toBe("0-e-2");
  });

  it("begins anew when the first subscribe has failed", async () => {
    const page = new Page("chat");
    await open(FakeEventSource.last, "0-e-1.a");
    page.giveUp();
    const again = page.connect();
    expect(again.cursor).toBeNull();
    await open(again, "0-e-5.b");
    settle();
    expect(page.errors).toBe(0);
  });

  it("begins anew after an unsubscribe", async () => {
    const [page, source] = await openPage("0-e-1.a", "chat");
    source.send("chat", "0-e-2");
    page.unsubscribe();
    page.subscribe("chat");
    const again = page.connect();
    expect(again.cursor).toBeNull();
    await open(again, "0-e-9.b");
    again.send("chat", "0-e-10", "9");
    expect(page.received.at(-1)).toBe("chat 9 0-e-10");
  });

  it("leaves out what is older than new subscriptions, after an unsubscribe during a break", async () => {
    const [page, source] = await openPage("0-e-1.a", "chat");
    source.fail();
    page.unsubscribe();
    page.subscribe("chat");
    page.subscribe("PB_RESUME");
    const again = page.connect();
    await open(again, "0-e-1.b");
    again.send("chat", "0-e-2", "old");
    again.send("PB_RESUME", "0-e-2.c", '{"recovered":true,"replayed":1}');
    again.send("chat", "0-e-3", "new");
    expect(page.received).toEqual(['PB_RESUME {"recovered":false} 0-e-2.c', "chat new 0-e-3"]);
    settle();
    again.fail();
    expect(page.connect().cursor).toBe("0-e-3");
  });

  it("forgets after a minute that a stream ended, unless a listener remembers", async () => {
    const [page, source] = await openPage("0-e-1.a", "chat");
    source.fail();
    vi.advanceTimersByTime(60_001);
    const late = page.connect();
    expect(late.cursor).toBeNull();
    await open(late, "0-e-7.b");
    settle();
    expect(page.errors).toBe(2);
    expect(page.connect().cursor).toBe("0-e-1.a");
  });
});

describe("several pages with one address", () => {
  it("come back in the order of their breaks, each with its own cursor", async () => {
    const [[one, first], [two, second]] = [
      await openPage("0-e-1", "a"),
      await openPage("0-e-2", "a"),
    ];
    first.fail();
    second.fail();
    for (const [page, cursor] of [
      [one, "0-e-1"],
      [two, "0-e-2"],
    ] as const) {
      const source = page.connect();
      expect(source.cursor).toBe(cursor);
      await open(source, `${cursor}.b`);
      source.send("a", "0-e-3", "3");
      expect(page.received).toEqual(["a 3 0-e-3"]);
    }
    settle();
    expect([one.errors, two.errors]).toEqual([1, 1]);
  });

  it("pass on nothing of another page's cursor, and connect again with their own", async () => {
    const [[one, first], [two, second]] = [
      await openPage("0-e-1", "a"),
      await openPage("0-e-2", "a"),
    ];
    first.fail();
    second.fail();
    const [ofTwo, ofOne] = [two.connect(), one.connect()];
    expect([ofTwo.cursor, ofOne.cursor]).toEqual(["0-e-1", "0-e-2"]);
    for (const source of [ofTwo, ofOne]) {
      await open(source, `${source.cursor}.b`);
      source.send("a", "0-e-3", "3");
    }
    expect([...one.received, ...two.received]).toEqual([]);
    // The connections stay open for the requests that are under way.
    expect([ofTwo.readyState, ofOne.readyState]).toEqual([1, 1]);
    settle();
    expect([ofTwo.readyState, ofOne.readyState]).toEqual([2, 2]);
    expect([two.connect().cursor, one.connect().cursor]).toEqual(["0-e-2", "0-e-1"]);
  });

  it("keep their cursors while a new page takes one of them", async () => {
    const [one, first] = await openPage("0-e-1", "a");
    first.fail();
    const two = new Page("a");
    const ofTwo = FakeEventSource.last;
    expect(ofTwo.cursor).toBe("0-e-1");
    await open(ofTwo, "0-e-1.b");
    ofTwo.send("a", "0-e-2", "2");
    ofTwo.send("PB_RESUME", "0-e-2.c");
    ofTwo.send("a", "0-e-3", "3");
    expect(two.received).toEqual(["a 3 0-e-3"]);
    const ofOne = one.connect();
    await open(ofOne, "0-e-3.d");
    settle();
    const again = one.connect();
    expect(again.cursor).toBe("0-e-1");
    await open(again, "0-e-1.e");
    again.send("a", "0-e-2", "2");
    expect(one.received).toEqual(["a 2 0-e-2"]);
  });
});

describe("an error", () => {
  it("is told when the time of the SDK's first request is over", async () => {
    const page = new Page("chat");
    const source = FakeEventSource.last;
    await open(source, "0-e-1.a");
    source.fail();
    expect([page.errors, page.stream?.readyState, source.readyState]).toEqual([0, 0, 2]);
    settle();
    expect(page.errors).toBe(1);
    expect(page.connect().cursor).toBe("0-e-1.a");
  });

  it("is not told to a page that has closed the stream", async () => {
    const page = new Page("chat");
    await open(FakeEventSource.last, "0-e-1.a");
    FakeEventSource.last.fail();
    page.unsubscribe();
    settle();
    expect(page.errors).toBe(0);
  });

  it("follows PB_AUTH_EXPIRED, and the page resumes from that event", async () => {
    const [page, source] = await openPage("0-e-1.a", "chat", "PB_AUTH_EXPIRED");
    source.send("PB_AUTH_EXPIRED", "0-e-2.b", '{"closesIn":10000}');
    source.send("chat", "0-e-3");
    expect(page.received).toEqual(['PB_AUTH_EXPIRED {"closesIn":10000} 0-e-2.b']);
    expect(page.errors).toBe(0);
    settle();
    expect(page.errors).toBe(1);
    expect(page.connect().cursor).toBe("0-e-2.b");
  });

  it("does not follow the PB_AUTH_EXPIRED of a guest, which comes again with each token that has expired", async () => {
    const [page, source] = await openPage("0-e-1.a", "chat");
    source.send("PB_AUTH_EXPIRED", "0-e-2.b");
    source.send("chat", "0-e-3");
    settle();
    expect([page.errors, page.received]).toEqual([0, ["chat {} 0-e-3"]]);
  });

  it("has the code and the message of the package eventsource", () => {
    const told: unknown[] = [];
    const stream = new Resuming(address);
    stream.onerror = (event) => told.push({ ...event });
    FakeEventSource.last.dispatchEvent(
      Object.assign(new Event("error"), { code: 502, message: "Bad gateway" }),
    );
    expect(told).toMatchObject([{ code: 502, message: "Bad gateway" }]);
  });

  it("does not take a message to a topic called error or open for an event of the connection", async () => {
    const [page, source] = await openPage("0-e-1.a", "error", "open");
    const opened: unknown[] = [];
    const { stream } = page;
    if (stream) stream.onopen = (event) => opened.push(event);
    source.send("error", "0-e-2", "1");
    source.send("open", "0-e-3", "2");
    expect(page.received).toEqual(["error 1 0-e-2", "open 2 0-e-3"]);
    expect([page.errors, opened]).toEqual([0, []]);
  });
});
