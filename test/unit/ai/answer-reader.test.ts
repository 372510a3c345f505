import type { UIMessageChunk } from "ai";
import { afterEach, describe, expect, it, vi } from "vitest";
import { stopStream } from "../../../src/ai.ts";
import { readAll } from "../../support/answers.ts";
import { ask, openChatPage, PARTS, reconnect, serviceWith } from "../../support/chat-page.ts";
import { NO_FAKE_TIME } from "../../support/fake-time.ts";
import { clientError } from "../../support/topic-service.ts";

const late = "an answer without a publisher";
describe.skipIf(NO_FAKE_TIME)(`${late}${NO_FAKE_TIME ? ` (skipped: ${NO_FAKE_TIME})` : ""}`, () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  async function openDead() {
    vi.useFakeTimers();
    const service = serviceWith();
    const parts = PARTS.slice(0, 3);
    const topic = "chats/1";
    const all = [
      { answer: "dead", index: 0, parts: [] },
      { answer: "dead", index: 1, parts },
    ];
    for (const data of all) {
      void service.publish({ topic, data });
      await vi.advanceTimersByTimeAsync(10);
    }
    const { transport } = openChatPage(service);
    const reconnecting = reconnect(transport);
    await vi.advanceTimersByTimeAsync(50);
    const stream = await reconnecting;
    if (stream === null) throw new Error("There is no answer.");
    const received: UIMessageChunk[] = [];
    let end: unknown;
    void stream
      .pipeTo(new WritableStream({ write: (part) => void received.push(part) }))
      .then(() => "closed")
      .catch((error: unknown) => error)
      .then((how) => {
        end = how;
      });
    return { service, parts, received, end: () => end };
  }

  it("fails in plain words after 45 seconds of silence", async () => {
    const { parts, received, end } = await openDead();
    await vi.advanceTimersByTimeAsync(40_000);
    expect(received).toEqual(parts);
    expect(end()).toBeUndefined();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(String(end())).toContain("No part of the answer has arrived for 45 seconds.");
  });

  it("does not count the time in which the service can't be reached", async () => {
    const { service, end } = await openDead();
    service.faults.failHistory = () => clientError(0);
    await vi.advanceTimersByTimeAsync(200_000);
    expect(end()).toBeUndefined();
    service.faults.failHistory = undefined;
    await vi.advanceTimersByTimeAsync(80_000);
    expect(String(end())).toContain("No part of the answer");
  });

  it("finds messages in the history that the stream has lost", async () => {
    const { service, received, end } = await openDead();
    service.faults.loses = () => true;
    const topic = "chats/1";
    void service.publish({ topic, data: { answer: "dead", index: 2, parts: PARTS.slice(3, 4) } });
    // The gap is not reported.
    vi.spyOn(service, "emit").mockImplementation(() => {});
    await vi.advanceTimersByTimeAsync(20_000);
    expect(received).toEqual(PARTS.slice(0, 4));
    expect(end()).toBeUndefined();
  });

  it("ends 10 seconds after a stop", async () => {
    const { service, parts, received, end } = await openDead();
    void stopStream(service, "chats/1");
    await vi.advanceTimersByTimeAsync(9_000);
    expect(end()).toBeUndefined();
    await vi.advanceTimersByTimeAsync(2_000);
    expect(end()).toBe("closed");
    expect(received).toEqual([...parts, { type: "abort" }]);
  });

  it("is not ended by a stop from before it began", async () => {
    vi.useFakeTimers();
    const service = serviceWith();
    const topic = "chats/1";
    void service.publish({ topic, data: { stop: true } });
    await vi.advanceTimersByTimeAsync(50);
    const fetch = async () => {
      await new Promise((resolve) => setTimeout(resolve, 100));
      return Response.json({ answer: "a" });
    };
    const asking = ask(openChatPage(service, { fetch }).transport);
    // The page receives the stop, because it is the newest message.
    await vi.advanceTimersByTimeAsync(50);
    void service.publish({ topic, data: { answer: "a", index: 0, parts: PARTS.slice(0, 1) } });
    await vi.advanceTimersByTimeAsync(100);
    const reading = readAll(await asking);
    await vi.advanceTimersByTimeAsync(12_000);
    void service.publish({ topic, data: { answer: "a", index: 1, parts: PARTS.slice(1) } });
    await vi.advanceTimersByTimeAsync(50);
    void service.publish({ topic, data: { answer: "a", index: 2, end: "finished" } });
    await vi.advanceTimersByTimeAsync(50);
    expect(await reading).toEqual(PARTS);
  });

  it("is not joined when a later answer has ended", async () => {
    const { service } = await openDead();
    await vi.advanceTimersByTimeAsync(30_000);
    const topic = "chats/1";
    void service.publish({ topic, data: { answer: "b", index: 0, parts: [] } });
    await vi.advanceTimersByTimeAsync(50);
    void service.publish({ topic, data: { answer: "b", index: 1, end: "finished" } });
    await vi.advanceTimersByTimeAsync(50);
    const joining = reconnect(openChatPage(service).transport);
    await vi.advanceTimersByTimeAsync(50);
    expect(await joining).toBeNull();
  });
});
