import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type Connection, createConnection } from "../../../src/client/connection.ts";
import type { EventSourceLike } from "../../../src/client/types.ts";
import { FakeEventSource } from "../../support/fake-event-source.ts";
import { installClock, type ManualClock } from "../../support/manual-clock.ts";

let clock: ManualClock;
let connection: Connection;
let events: string[];
let mayResume: boolean;
beforeEach(() => {
  clock = installClock();
  FakeEventSource.created = [];
  events = [];
  mayResume = true;
  connection = createConnection(
    (onSourceEvent) => {
      const source = new FakeEventSource("http://test/");
      for (const name of ["open", "error", "PB_CONNECT", "ping", "chat"]) {
        source.addEventListener(name, onSourceEvent as (event: Event) => void);
      }
      return source as unknown as EventSourceLike;
    },
    ({ type }) => events.push(type),
    () => mayResume,
  );
});
afterEach(() => {
  connection.close();
  vi.restoreAllMocks();
});

const count = () => FakeEventSource.created.length;

function connect(): FakeEventSource {
  const source = FakeEventSource.last;
  source.send("open", "");
  source.send("PB_CONNECT", "1");
  return source;
}

describe("back-off", () => {
  it.each([
    [0, 0.5],
    [0.9999, 1],
  ])("grows from half a second to half a minute, with random %d", (random, share) => {
    vi.spyOn(Math, "random").mockReturnValue(random);
    connection.open();
    const delays: number[] = [];
    for (let failure = 0; failure < 9; failure++) {
      FakeEventSource.last.fail(true);
      delays.push(clock.next());
      clock.pass(clock.next());
    }
    const full = [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000];
    for (const [index, delay] of delays.entries()) {
      expect(delay).toBeCloseTo((full[index] ?? 0) * share, -1);
    }
  });

  it("adds to the delay that the service asks for", () => {
    vi.spyOn(Math, "random").mockReturnValue(0);
    connection.open();
    connection.retry(7000);
    expect(clock.next()).toBe(7250);
  });

  it("is short again after a stream that lasted until its first ping", () => {
    vi.spyOn(Math, "random").mockReturnValue(0);
    connection.open();
    for (let failure = 0; failure < 5; failure++) {
      FakeEventSource.last.fail(true);
      clock.pass(clock.next());
    }
    // A stream that ends at once is a failure too.
    connect().fail(true);
    expect(clock.next()).toBe(8000);
    clock.pass(clock.next());
    const source = connect();
    clock.pass(25_000);
    source.send("ping", "2");
    source.fail(true);
    expect(clock.next()).toBe(250);
  });
});

describe("an EventSource that reconnects by itself", () => {
  it("is left alone after a response, because the service may have asked for a delay of a minute", () => {
    connection.open();
    connect().fail();
    clock.pass(85_000);
    expect(count()).toBe(1);
    // It has given up, whatever it says.
    clock.pass(15_000);
    expect(count()).toBe(2);
  });

  it("is replaced if there was no response, or if it must not resume", () => {
    connection.open();
    FakeEventSource.last.fail();
    clock.pass(500);
    expect(count()).toBe(2);
    mayResume = false;
    connect().fail();
    clock.pass(1000);
    expect(count()).toBe(3);
    mayResume = true;
    // The second failure in a row follows no response.
    const source = connect();
    source.fail();
    expect(count()).toBe(3);
    source.fail();
    clock.pass(4000);
    expect(count()).toBe(4);
  });
});

describe("the watchdog", () => {
  it("ends a stream without a first event", () => {
    connection.open();
    FakeEventSource.last.send("open", "");
    clock.pass(20_000);
    expect(FakeEventSource.last.readyState).toBe(1);
    clock.pass(6000);
    expect(FakeEventSource.created[0]?.readyState).toBe(2);
    expect(count()).toBe(2);
  });

  it("ends a silent stream, and takes into account how often the service pings", () => {
    connection.open();
    const first = connect();
    clock.pass(10_000);
    first.send("ping", "2");
    // 15 seconds, and three times the ten seconds to the first ping.
    clock.pass(45_000);
    expect(count()).toBe(1);
    clock.pass(6000);
    expect(count()).toBe(2);
  });

  it("waits longer if a service never pings, or pings late", () => {
    connection.open();
    connect();
    clock.pass(81_000);
    expect(count()).toBe(2);
    const second = connect();
    // The service pings every two minutes.
    clock.pass(120_000);
    second.send("ping", "3");
    clock.pass(120_000);
    second.send("ping", "4");
    clock.pass(300_000);
    expect(count()).toBe(2);
  });

  it("does not count pings that arrive together after a stall", () => {
    connection.open();
    const source = connect();
    clock.pass(60_000);
    source.send("ping", "2");
    source.send("ping", "3");
    clock.pass(30_000);
    source.send("ping", "4");
    clock.pass(30_000);
    expect(count()).toBe(1);
  });
});

describe("wake", () => {
  it("opens a stream at once while a delay is running", () => {
    connection.open();
    FakeEventSource.last.fail(true);
    connection.wake();
    expect(count()).toBe(2);
    connect().fail();
    connection.wake();
    expect(count()).toBe(3);
    expect(clock.timers).toBe(1);
  });

  it("leaves a stream that is alive, or that has just begun", () => {
    connection.open();
    connection.wake();
    connect();
    connection.wake();
    clock.pass(30_000);
    connection.wake();
    expect(count()).toBe(1);
    clock.pass(10_000);
    connection.wake();
    expect(count()).toBe(2);
  });
});

it("ignores the events of an earlier stream", () => {
  connection.open();
  const first = connect();
  connection.open();
  events = [];
  expect(first.readyState).toBe(2);
  first.send("chat", "5");
  first.fail(true);
  clock.pass(1000);
  expect(events).toEqual([]);
  expect(count()).toBe(2);
});

it("has no timer once it is closed", () => {
  connection.open();
  connect().fail(true);
  connection.close();
  expect(clock.timers).toBe(0);
  connection.open();
  connection.close();
  expect(clock.timers).toBe(0);
});
