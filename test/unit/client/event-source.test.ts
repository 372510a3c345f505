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

const settle = () => vi.advanceTimersByTime(2_000);

beforeEach(() => {
  vi.useFakeTimers();
  FakeEventSource.created = [];
  count += 1;
  address = `https://rt.example/event-source/${count}/api/realtime`;
});
afterEach(() => void vi.useRealTimers());

describe("a page without the SDK", () => {
  it("is served by the browser's own reconnect", () => {
    const stream = new Resuming(`${address}?topic=chat`);
    const heard: string[] = [];
    stream.addEventListener("chat", ({ lastEventId }) => heard.push(lastEventId));
    const source = FakeEventSource.last;
    source.send("PB_CONNECT", "0-e-1.a");
    settle();
    source.send("chat", "0-e-2");
    source.fail();
    expect(stream.readyState).toBe(0);
    source.send("PB_CONNECT", "0-e-2.b");
    source.send("chat", "0-e-3");
    expect(heard).toEqual(["0-e-2", "0-e-3"]);
    settle();
    source.fail(true);
    expect(stream.readyState).toBe(2);
    expect(FakeEventSource.created).toHaveLength(1);
  });

  it("is reconnected after a break at the beginning", () => {
    const stream = new Resuming(`${address}?topic=chat`);
    stream.addEventListener("chat", () => {});
    FakeEventSource.last.send("PB_CONNECT", "0-e-1.a");
    FakeEventSource.last.fail();
    settle();
    expect(FakeEventSource.last.url).toBe(`${address}?topic=chat&lastEventId=0-e-1.a`);
    expect(FakeEventSource.created).toHaveLength(2);
  });
});

describe("the class", () => {
  it("has what an EventSource has", () => {
    expect([Resuming.CONNECTING, Resuming.OPEN, Resuming.CLOSED]).toEqual([0, 1, 2]);
    const stream = new Resuming(address, { withCredentials: true });
    expect(stream).toMatchObject({ url: address, withCredentials: true, readyState: 0 });
    expect(stream).toMatchObject({ CONNECTING: 0, OPEN: 1, CLOSED: 2, onerror: null });
    expect(FakeEventSource.last.withCredentials).toBe(true);
    FakeEventSource.last.send("PB_CONNECT", "0-e-1.a");
    expect(stream.readyState).toBe(1);
    stream.close();
    stream.close();
    expect([stream.readyState, FakeEventSource.last.readyState]).toEqual([2, 2]);
  });

  it("calls listeners of every kind, and those that were removed no more", () => {
    const stream = new Resuming(address);
    const heard: string[] = [];
    const note = (name: string) => () => void heard.push(name);
    const removed = note("removed");
    const object = { handleEvent: note("object") };
    stream.addEventListener("chat", removed);
    stream.addEventListener("chat", object);
    stream.addEventListener("chat", note("once"), { once: true });
    stream.onmessage = note("replaced");
    stream.onmessage = note("attribute");
    stream.onopen = note("open");
    FakeEventSource.last.dispatchEvent(new Event("open"));
    FakeEventSource.last.send("chat", "0-e-1");
    stream.removeEventListener("chat", removed);
    FakeEventSource.last.send("chat", "0-e-2");
    FakeEventSource.last.send("message", "0-e-3");
    stream.removeEventListener("chat", object as EventListenerObject);
    FakeEventSource.last.send("chat", "0-e-4");
    stream.onmessage = null;
    FakeEventSource.last.send("message", "0-e-5");
    stream.addEventListener("own", note("own"));
    stream.dispatchEvent(new Event("own"));
    expect(heard.join()).toBe("open,removed,object,once,object,attribute,own");
  });

  it("says what to do where there is no EventSource", () => {
    const Missing = createResumingEventSource(undefined);
    expect(() => new Missing(address)).toThrow(
      new TypeError(
        "There is no EventSource here. Use createResumingEventSource(EventSource) with the class of the package eventsource.",
      ),
    );
  });
});
