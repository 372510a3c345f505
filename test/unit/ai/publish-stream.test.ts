import type { UIMessageChunk } from "ai";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type AnswerSource, publishStream, stopStream } from "../../../src/ai.ts";
import { createServer } from "../../../src/api/server.ts";
import { RealtimeError } from "../../../src/realtime/errors.ts";
import {
  type Data,
  openStream,
  parts,
  publishTo,
  serviceWith,
  streamOf,
} from "../../support/answer-publishing.ts";
import { eventually, within } from "../../support/deadline.ts";
import { NO_FAKE_TIME } from "../../support/fake-time.ts";
import { clientError } from "../../support/topic-service.ts";

describe("publishStream", () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  it("publishes the parts in order, numbered without a gap, with the end as a message of its own", async () => {
    const {
      id,
      end,
      data,
      parts: published,
      last,
    } = await publishTo(serviceWith(), streamOf(...parts));
    expect(end).toBe("finished");
    expect(published).toEqual(parts);
    expect(data.map(({ answer }) => answer)).toEqual(data.map(() => id));
    expect(data.map(({ index }) => index)).toEqual(data.map((_, index) => index));
    expect(data[0]?.parts).toEqual([]);
    expect(last).toEqual({ answer: id, index: data.length - 1, end: "finished", messageId: "m1" });
  });

  it("publishes the first message before the model has said anything", async () => {
    const service = serviceWith();
    const model = openStream();
    const { id, ended } = publishStream(service, "chats/1", () => model.stream);
    await eventually(() => service.log.length === 1, "the first message");
    expect(service.data).toEqual([{ answer: id, index: 0, parts: [] }]);
    model.close();
    expect(await ended).toBe("finished");
  });

  it("gathers parts that come within the interval into one message", async () => {
    const { data } = await publishTo(serviceWith(), streamOf(...parts), { interval: 1000 });
    expect(data.map((message) => message.parts?.length)).toEqual([0, parts.length, undefined]);
  });

  it("publishes one message at a time", async () => {
    const service = serviceWith();
    let running = 0;
    let most = 0;
    const counted = {
      history: service.history.bind(service),
      publish: async (message: { topic: string; data: unknown; id?: string }) => {
        running += 1;
        most = Math.max(most, running);
        await new Promise((resolve) => setTimeout(resolve, 5));
        await service.publish(message);
        running -= 1;
      },
    };
    const model = openStream();
    const { ended } = publishStream(counted, "chats/1", model.stream, { interval: 10 });
    for (const part of parts) {
      model.write(part);
      await new Promise((resolve) => setTimeout(resolve, 3));
    }
    model.close();
    await ended;
    expect(most).toBe(1);
    expect((service.data as Data[]).flatMap((message) => message.parts ?? [])).toEqual(parts);
  });

  it("publishes texts as one text of a message", async () => {
    const { id, parts: published } = await publishTo(serviceWith(), streamOf("Hel", "lo"));
    expect(published.map(({ type }) => type)).toEqual([
      ...["start", "text-start", "text-delta", "text-delta", "text-end", "finish"],
    ]);
    expect(published[0]).toEqual({ type: "start", messageId: id });
  });

  it("publishes with the id and the privacy of the options, and ids of the answer and the number", async () => {
    const published: { id?: string; private?: boolean; topic: string }[] = [];
    const realtime = {
      publish: async (message: {
        id?: string;
        private?: boolean;
        topic: string;
        data: unknown;
      }) => {
        published.push(message);
      },
      history: async () => ({ messages: [], cursor: "" }),
    };
    const options = { id: "a1", private: true };
    await publishStream(realtime, "chats/1", streamOf("a"), options).ended;
    expect(published.map(({ id }) => id)).toEqual(published.map((_, index) => `a1.${index}`));
    expect(published.every((one) => one.private === true && one.topic === "chats/1")).toBe(true);
  });

  it("publishes a message again with the same id while the service can't accept it", async () => {
    let failures = 0;
    const service = serviceWith({
      failPublish: () => {
        failures += 1;
        const isStored = failures % 2 === 0;
        return failures % 3 === 0 ? undefined : { error: clientError(503), isStored };
      },
    });
    const { end, parts: published } = await publishTo(service, streamOf(...parts), {
      interval: 10,
    });
    expect(end).toBe("finished");
    expect(published).toEqual(parts);
    expect(failures).toBeGreaterThan(6);
  });

  it.each(["unreachable", "storage_failed", "too_many_requests"] as const)(
    "publishes again after the error `%s` of a service in this process",
    async (code) => {
      const errors = [new RealtimeError(code, "Later."), new RealtimeError(code, "Later.")];
      const service = serviceWith({
        failPublish: () => {
          const error = errors.pop();
          return error && { error, isStored: false };
        },
      });
      expect((await publishTo(service, streamOf(...parts))).end).toBe("finished");
    },
  );

  it("ends with `failed` when the service refuses a message, and stops the model", async () => {
    const service = serviceWith({
      failPublish: () => ({ error: clientError(403), isStored: false }),
    });
    const errors: unknown[] = [];
    let signal: AbortSignal | undefined;
    const model = openStream();
    const { ended } = publishStream(
      service,
      "chats/1",
      (given) => {
        signal = given;
        return model.stream;
      },
      { onError: (error) => String(errors.push(error)) },
    );
    expect(await within(ended, 5000, "the answer ends")).toBe("failed");
    expect(errors).toEqual([clientError(403)]);
    expect(signal?.aborted).toBe(true);
    await eventually(() => model.cancelled() !== undefined, "the stream is cancelled");
    expect(service.log).toEqual([]);
  });

  it("splits a message that the service finds too large", async () => {
    const {
      end,
      data,
      parts: published,
    } = await publishTo(serviceWith({ maxSize: 160 }), streamOf(...parts), { interval: 1000 });
    expect(end).toBe("finished");
    expect(published).toEqual(parts);
    expect(data.map(({ index }) => index)).toEqual(data.map((_, index) => index));
    expect(data.length).toBeGreaterThan(4);
  });

  it("ends with an error when one part alone is too large", async () => {
    const large = { type: "text-delta" as const, id: "1", delta: "x".repeat(300) };
    const {
      end,
      last,
      parts: published,
    } = await publishTo(serviceWith({ maxSize: 200 }), streamOf(...parts.slice(0, 3), large), {
      onError: () => "Too much.",
    });
    expect(end).toBe("failed");
    expect(published).toEqual(parts.slice(0, 3));
    expect(last).toMatchObject({ end: "failed", error: "Too much." });
  });

  it("publishes the error of a stream as a text without details, and logs the error", async () => {
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    const model = openStream();
    model.write(...parts.slice(0, 3));
    const error = new Error("connect postgres://admin:secret@db");
    setTimeout(() => model.fail(error), 40);
    const { end, last, parts: published } = await publishTo(serviceWith(), model.stream);
    expect(end).toBe("failed");
    expect(published).toEqual(parts.slice(0, 3));
    expect(last).toMatchObject({ end: "failed", error: "An error occurred." });
    expect(log.mock.calls).toEqual([[error]]);
  });

  it.each<[string, AnswerSource]>([
    [
      "a function that throws",
      () => {
        throw new Error("no model");
      },
    ],
    ["a promise that rejects", () => Promise.reject(new Error("no model"))],
    ["a chunk that is no part", streamOf({} as UIMessageChunk)],
    ["a part that JSON can't contain", streamOf({ type: "data-a", data: 1n } as UIMessageChunk)],
  ])("ends with `failed` for %s", async (_, source) => {
    const { end, last } = await publishTo(serviceWith(), source, { onError: () => "Not today." });
    expect(end).toBe("failed");
    expect(last).toMatchObject({ end: "failed", error: "Not today." });
  });

  it("cuts a long text of `onError`, and survives an `onError` that throws", async () => {
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    const source = () => Promise.reject(new Error("no model"));
    const long = await publishTo(serviceWith(), source, { onError: () => "x".repeat(5000) });
    expect(long.last?.error?.length).toBe(1000);
    const thrown = new Error("onError");
    const { last } = await publishTo(serviceWith(), source, {
      onError: () => {
        throw thrown;
      },
    });
    expect(last).toMatchObject({ error: "An error occurred." });
    expect(log.mock.calls).toEqual([[thrown]]);
  });

  it("passes on an error part of the model, and ends with `failed`", async () => {
    const error: UIMessageChunk = { type: "error", errorText: "An error occurred." };
    const { end, parts: published, last } = await publishTo(serviceWith(), streamOf(error));
    expect(end).toBe("failed");
    expect(published).toEqual([error]);
    expect(last).not.toHaveProperty("error");
  });

  it("publishes the end with the next number when the message before was stored although publishing failed", async () => {
    let count = 0;
    const service = serviceWith({
      failPublish: () => {
        count += 1;
        return count === 2 ? { error: clientError(403), isStored: true } : undefined;
      },
    });
    const { data } = await publishTo(service, streamOf(...parts), { onError: () => "no" });
    expect(data.map(({ index, end }) => [index, end])).toEqual([
      ...[
        [0, undefined],
        [1, undefined],
        [2, "failed"],
      ],
    ]);
  });

  it.each<[string, () => unknown]>([
    [
      "unknown option",
      () => publishStream(serviceWith(), "a", streamOf("a"), { gap: 1 } as object),
    ],
    ["interval", () => publishStream(serviceWith(), "a", streamOf("a"), { interval: 5 })],
    ["interval", () => publishStream(serviceWith(), "a", streamOf("a"), { interval: Number.NaN })],
    ["id", () => publishStream(serviceWith(), "a", streamOf("a"), { id: "" })],
    ["id", () => publishStream(serviceWith(), "a", streamOf("a"), { id: "a\tb" })],
    ["onError", () => publishStream(serviceWith(), "a", streamOf("a"), { onError: "no" as never })],
    ["topic", () => publishStream(serviceWith(), "", streamOf("a"))],
    ["ReadableStream", () => publishStream(serviceWith(), "a", ["a"] as never)],
    ["createServer", () => publishStream({} as never, "a", streamOf("a"))],
    ["createServer", () => publishStream(undefined as never, "a", streamOf("a"))],
  ])("refuses a wrong argument, and names it: %s", (name, call) => {
    expect(call).toThrow(TypeError);
    expect(call).toThrow(name);
  });
});

const title = "publishStream, after some time";
describe.skipIf(NO_FAKE_TIME)(
  `${title}${NO_FAKE_TIME ? ` (skipped: ${NO_FAKE_TIME})` : ""}`,
  () => {
    beforeEach(() => {
      vi.useFakeTimers();
    });
    afterEach(() => {
      vi.useRealTimers();
    });

    it("tells readers that a silent model still works", async () => {
      const service = serviceWith();
      const model = openStream();
      const { ended } = publishStream(service, "chats/1", model.stream);
      await vi.advanceTimersByTimeAsync(9_900);
      expect(service.log.length).toBe(1);
      await vi.advanceTimersByTimeAsync(200);
      expect((service.data as Data[])[1]?.parts).toEqual([]);
      model.close();
      await vi.advanceTimersByTimeAsync(100);
      expect(await ended).toBe("finished");
    });

    it("ends with `failed` when the service has accepted nothing for 30 seconds", async () => {
      const service = serviceWith({
        failPublish: () => ({ error: clientError(503), isStored: false }),
      });
      const errors: unknown[] = [];
      const onError = (error: unknown) => String(errors.push(error));
      const { ended } = publishStream(service, "chats/1", streamOf("a"), { onError });
      await vi.advanceTimersByTimeAsync(25_000);
      expect(errors).toEqual([]);
      await vi.advanceTimersByTimeAsync(40_000);
      expect(errors).toEqual([clientError(503)]);
      expect(await ended).toBe("failed");
    });
  },
);

describe("publishStream with a service in this process", () => {
  const topics = [{ match: "chats/*", keep: 10_000, private: true }];

  it("publishes to a private topic, and reads its history to find the stop", async () => {
    const realtime = createServer({ topics });
    const model = openStream();
    model.write(...parts.slice(0, 3));
    const { ended, id } = publishStream(realtime, "chats/1", model.stream);
    const read = async () => {
      const request = { topics: ["chats/1"], limit: 1000 };
      const { messages } = await realtime.registry.history(request, { rights: ["chats/1"] });
      expect(messages.every(({ message }) => message.private)).toBe(true);
      return messages.map(({ message }) => JSON.parse(message.data));
    };
    await eventually(async () => (await read()).length > 1, "the first parts");
    await stopStream(realtime, "chats/1");
    expect(await within(ended, 5000, "the answer ends")).toBe("stopped");
    expect((await read()).at(-1)).toMatchObject({ answer: id, end: "stopped" });
    await realtime.close();
  });

  it("ends with `failed` when the service is closed", async () => {
    const realtime = createServer({ topics });
    const model = openStream();
    const errors: unknown[] = [];
    const onError = (error: unknown) => String(errors.push(error));
    const { ended } = publishStream(realtime, "chats/1", model.stream, { onError });
    await realtime.close();
    model.write(...parts);
    expect(await within(ended, 5000, "the answer ends")).toBe("failed");
    expect(errors).toMatchObject([{ code: "closed" }]);
  });

  it("ends with an error when one part is larger than the service accepts, and the error has no details", async () => {
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    const realtime = createServer({ topics, maxMessageBytes: 1000 });
    const large = { type: "data-large", data: "x".repeat(2000) } as const;
    const { ended } = publishStream(realtime, "chats/1", streamOf<UIMessageChunk>(...parts, large));
    expect(await within(ended, 5000, "the answer ends")).toBe("failed");
    const request = { topics: ["chats/1"], limit: 1000 };
    const { messages } = await realtime.registry.history(request, { rights: ["chats/1"] });
    const data = messages.map(({ message }) => JSON.parse(message.data)) as Data[];
    expect(data.flatMap((message) => message.parts ?? [])).toEqual(parts);
    expect(data.at(-1)).toMatchObject({ end: "failed", error: "An error occurred." });
    expect(log.mock.calls).toMatchObject([[{ code: "too_large" }]]);
    await realtime.close();
  });
});
