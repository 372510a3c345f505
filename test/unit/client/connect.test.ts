import { beforeEach, describe, expect, it } from "vitest";
import { connect } from "../../../src/client.ts";
import { FakeEventSource } from "../../support/fake-event-source.ts";

const settle = () => new Promise((resolve) => setTimeout(resolve, 20));
const EventSource = FakeEventSource as never;

beforeEach(() => {
  FakeEventSource.created = [];
});

describe("the functions of a client", () => {
  it("publish gives a message an id if the id is undefined, so that a retry is not a second message", async () => {
    const ids: unknown[] = [];
    const fetch = async (_: string, { body }: RequestInit) => {
      ids.push(JSON.parse(String(body))[0].id);
      if (ids.length === 1) throw new TypeError("network");
      return Response.json([{ id: "x" }]);
    };
    const realtime = connect("http://x", { EventSource, fetch });
    await realtime.publish({ topic: "a", data: 1, id: undefined } as never);
    expect(ids[0]).toEqual(expect.any(String));
    expect(ids[1]).toBe(ids[0]);
    realtime.close();
  });

  it("a request asks for a fresh token when the service refuses the one before", async () => {
    let calls = 0;
    const seen: unknown[] = [];
    const fetch = async (_: string, { headers }: RequestInit) => {
      const authorization = new Headers(headers).get("Authorization");
      seen.push(authorization);
      return authorization === "Bearer t1"
        ? Response.json({ message: "expired" }, { status: 401 })
        : Response.json([{ id: "x" }]);
    };
    const realtime = connect("http://x", { EventSource, fetch, token: () => `t${++calls}` });
    await realtime.publish({ topic: "a", data: 1 }).catch(() => {});
    await realtime.publish({ topic: "a", data: 1 }).catch(() => {});
    expect(seen.at(-1)).toBe("Bearer t2");
    realtime.close();
  });

  it("a subscription that replaces another in one turn keeps the stream", async () => {
    const fetch = async () => new Response(null, { status: 204 });
    const realtime = connect("http://x", { EventSource, fetch });
    const off = realtime.subscribe("a", () => {});
    await settle();
    FakeEventSource.last.send("PB_CONNECT", "0-k3-1.abc", '{"clientId":"0-k3-1.abc"}');
    await settle();
    off();
    realtime.subscribe("b", () => {});
    await settle();
    expect(FakeEventSource.created.length).toBe(1);
    realtime.close();
  });

  it("a subscription that another callback has ended is not called again", async () => {
    const fetch = async () => new Response(null, { status: 204 });
    const realtime = connect("http://x", { EventSource, fetch });
    const heard: string[] = [];
    let offSecond = () => {};
    realtime.subscribe("a", () => {
      heard.push("first");
      offSecond();
    });
    offSecond = realtime.subscribe("a", () => heard.push("second"));
    await settle();
    FakeEventSource.last.send("PB_CONNECT", "0-k3-1.abc", '{"clientId":"0-k3-1.abc"}');
    await settle();
    FakeEventSource.last.send(
      "a",
      "0-k3-2",
      '{"topic":"a","data":1,"id":"i","at":"2026-01-01T00:00:00Z"}',
    );
    expect(heard).toEqual(["first"]);
    realtime.close();
  });

  it("connect works without an EventSource, as on a server, and publish too", async () => {
    const before = globalThis.EventSource;
    Reflect.deleteProperty(globalThis, "EventSource");
    try {
      const fetch = async () => Response.json([{ id: "x" }]);
      const realtime = connect("http://x", { fetch });
      expect(await realtime.publish({ topic: "a", data: 1 })).toEqual(["x"]);
      expect(() => realtime.subscribe("a", () => {})).toThrow("There is no EventSource here.");
    } finally {
      if (before) globalThis.EventSource = before;
    }
  });

  it("subscribe with presence of several topics throws, and leaves no subscription", async () => {
    const fetch = async () => new Response(null, { status: 204 });
    const realtime = connect("http://x", { EventSource, fetch });
    const subscribe = () => realtime.subscribe("a/*", () => {}, { presence: () => {} });
    expect(subscribe).toThrow('presence: "a/*" has no members.');
    await settle();
    expect(FakeEventSource.created).toEqual([]);
    expect(realtime.status).toBe("idle");
    realtime.close();
  });
});
