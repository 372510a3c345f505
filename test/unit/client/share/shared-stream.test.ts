import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { SharedStream } from "../../../../src/client/share/shared-stream.ts";
import { createTokenStore } from "../../../../src/client/token.ts";
import type { RealtimeClientError } from "../../../../src/client/types.ts";
import { eventually } from "../../../support/deadline.ts";
import { FakeEventSource } from "../../../support/fake-event-source.ts";
import { FakeChannel, installTabs } from "../../../support/fake-tabs.ts";

const SETTINGS = { channel: "test", api: "http://x/api/realtime", withCredentials: false };

interface Tab {
  readonly stream: SharedStream;
  readonly channel: FakeChannel;
  readonly heard: unknown[];
  readonly errors: RealtimeClientError[];
}

/** The service's answer to the subscriptions of a stream. */
let answer: (keys: readonly string[]) => Response;
/** The headers of all requests. */
let requests: Headers[];
let tabs: Tab[];
let restore: () => void;

beforeEach(() => {
  restore = installTabs();
  FakeEventSource.created = [];
  answer = () => new Response(null, { status: 204 });
  requests = [];
  tabs = [];
});
afterEach(() => {
  for (const { stream } of tabs) stream.close();
  restore();
});

async function openTab(readToken?: () => string | Promise<string>): Promise<Tab> {
  const heard: unknown[] = [];
  const errors: RealtimeClientError[] = [];
  const fetch = async (_: string, { body, headers }: RequestInit) => {
    requests.push(new Headers(headers));
    return answer(JSON.parse(String(body)).subscriptions);
  };
  const parts = { EventSource: FakeEventSource as never, fetch };
  const listener = {
    onStatus: () => {},
    onGap: () => {},
    onError: (error: RealtimeClientError) => void errors.push(error),
  };
  const known = new Set(FakeChannel.open);
  const token = createTokenStore(readToken, () => {});
  const stream = new SharedStream(SETTINGS, parts, token, listener, false);
  const channel = [...FakeChannel.open].find((one) => !known.has(one)) as FakeChannel;
  const tab = { stream, channel, heard, errors };
  tabs.push(tab);
  await settle();
  return tab;
}

function subscribe(tab: Tab, topic: string, options = {}): () => void {
  return tab.stream.add(topic, options, (data) => tab.heard.push(data));
}

/** Lets the tabs do everything that they can do now. */
const settle = () => new Promise((resolve) => setTimeout(resolve, 20));

/** Waits for the next stream, and answers it. */
async function accept(count: number): Promise<void> {
  await eventually(() => FakeEventSource.created.length === count, `stream ${count}`);
  FakeEventSource.last.send("PB_CONNECT", "0-k3.abc", '{"clientId":"0-k3.abc"}');
  await settle();
}

const send = async (key: string, position: number) => {
  FakeEventSource.last.send(key, `0-k3-${position}`, String(position));
  await settle();
};

describe("a shared stream", () => {
  it("goes on where it was if two hosts end, the second before it could connect", async () => {
    const [first, second, third] = [await openTab(), await openTab(), await openTab()];
    for (const tab of tabs) subscribe(tab, "chat");
    await accept(1);
    await send("chat", 10);
    first.stream.close();
    await eventually(() => FakeEventSource.created.length === 2, "the second host's stream");
    await settle();
    second.stream.close();
    await eventually(() => FakeEventSource.created.length === 3, "the third host's stream");
    expect(FakeEventSource.last.cursor).toBe("0-k3-10");
    expect(third.heard).toEqual([10]);
  });

  it("gives a tab that was frozen while the host changed everything that it has missed", async () => {
    const [first, second, frozen] = [await openTab(), await openTab(), await openTab()];
    subscribe(second, "news");
    subscribe(frozen, "chat");
    await accept(1);
    await send("chat", 10);
    frozen.channel.freeze();
    first.stream.close();
    await accept(2);
    // The new host does not know of the frozen tab. Message 11 is for "chat".
    await send("news", 12);
    frozen.channel.thaw();
    await accept(3);
    expect(FakeEventSource.last.cursor).toBe("0-k3-10");
    await send("chat", 11);
    await send("news", 12);
    await send("chat", 13);
    expect(frozen.heard).toEqual([10, 11, 13]);
    expect(second.heard).toEqual([12]);
  });

  it("uses the token of another tab if one has none to send", async () => {
    const failing = async () => {
      throw new Error("Signed out.");
    };
    await openTab(failing);
    const other = await openTab(() => new Promise((resolve) => setTimeout(resolve, 50, "secret")));
    subscribe(other, "chat");
    await accept(1);
    await eventually(() => requests.length > 0, "the subscriptions were sent");
    expect(requests[0]?.get("Authorization")).toBe("Bearer secret");
    expect(other.errors).toEqual([]);
  });

  it("keeps a tab's subscription if another tab's to the same topic is refused", async () => {
    const [good, bad] = [await openTab(), await openTab()];
    answer = (keys) => {
      const index = keys.findIndex((key) => key.includes("filter"));
      if (index < 0) return new Response(null, { status: 204 });
      const data = { subscriptions: { [index]: { code: "x", message: "Not a filter." } } };
      return Response.json({ status: 400, message: "No.", data }, { status: 400 });
    };
    subscribe(good, "chat");
    await accept(1);
    subscribe(bad, "chat", { filter: "(" });
    await settle();
    await send("chat", 10);
    expect(good.heard).toEqual([10]);
    expect(bad.heard).toEqual([]);
    expect(good.errors).toEqual([]);
    expect(bad.errors.map(({ topic }) => topic)).toEqual(["chat"]);
  });
});
