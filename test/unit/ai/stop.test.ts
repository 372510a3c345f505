import { describe, expect, it, vi } from "vitest";
import { publishStream, stopStream } from "../../../src/ai.ts";
import { type Data, openStream, parts, serviceWith } from "../../support/answer-publishing.ts";
import { eventually, within } from "../../support/deadline.ts";
import { clientError } from "../../support/topic-service.ts";

describe("stopStream", () => {
  it("ends an answer whose model ends by its signal, with the parts that the model said before", async () => {
    const service = serviceWith();
    const model = openStream();
    model.write(...parts.slice(0, 3));
    const { ended } = publishStream(service, "chats/1", (signal) => {
      signal.addEventListener("abort", () => {
        model.write({ type: "abort", reason: String(signal.reason.message) });
        model.close();
      });
      return model.stream;
    });
    await eventually(() => service.log.length > 1, "the first parts");
    await stopStream(service, "chats/1");
    expect(await within(ended, 5000, "the answer ends")).toBe("stopped");
    const data = service.data as Data[];
    expect(data.flatMap((message) => message.parts ?? [])).toEqual([
      ...parts.slice(0, 3),
      { type: "abort", reason: "The answer was stopped." },
    ]);
    expect(data.at(-1)).toMatchObject({ end: "stopped", messageId: "m1" });
  });

  it("cancels a stream that has no signal", async () => {
    const service = serviceWith();
    const model = openStream();
    model.write(...parts.slice(0, 3));
    const { ended } = publishStream(service, "chats/1", model.stream);
    await eventually(() => service.log.length > 1, "the first parts");
    await stopStream(service, "chats/1");
    expect(await within(ended, 5000, "the answer ends")).toBe("stopped");
    expect(model.cancelled()).toBeInstanceOf(DOMException);
  });

  it("cancels a stream that ignores its signal", async () => {
    const service = serviceWith();
    const model = openStream();
    const { ended } = publishStream(service, "chats/1", () => model.stream);
    await eventually(() => service.log.length > 0, "the answer begins");
    await stopStream(service, "chats/1");
    expect(await within(ended, 10_000, "the answer ends")).toBe("stopped");
    expect(model.cancelled()).toBeInstanceOf(DOMException);
  });

  it("counts as a stop when the model ends with an error because of its signal", async () => {
    const service = serviceWith();
    const model = openStream();
    const { ended } = publishStream(service, "chats/1", (signal) => {
      signal.addEventListener("abort", () => model.fail(signal.reason));
      return model.stream;
    });
    await eventually(() => service.log.length > 0, "the answer begins");
    await stopStream(service, "chats/1");
    expect(await within(ended, 5000, "the answer ends")).toBe("stopped");
  });

  it("works in a page without HTTPS, where crypto has no randomUUID", async () => {
    const service = serviceWith();
    const randomUUID = vi.spyOn(crypto, "randomUUID").mockImplementation(() => {
      throw new TypeError("crypto.randomUUID is not a function");
    });
    try {
      await stopStream(service, "chats/1");
    } finally {
      randomUUID.mockRestore();
    }
    expect(service.data).toEqual([{ stop: true }]);
  });

  it("does not end an answer that begins after the stop", async () => {
    const service = serviceWith();
    await stopStream(service, "chats/1");
    const model = openStream();
    const { ended } = publishStream(service, "chats/1", model.stream);
    await eventually(() => service.reads >= 2, "the history was read twice");
    model.write(...parts);
    model.close();
    expect(await ended).toBe("finished");
  });

  it("finds the stop although reads of the history fail, and although the history was trimmed", async () => {
    const errors = [clientError(503), clientError(503)];
    const service = serviceWith({ failHistory: () => errors.pop() });
    const model = openStream();
    const { ended } = publishStream(service, "chats/1", model.stream, { interval: 10 });
    await eventually(() => service.reads >= 3, "a read succeeds");
    for (let n = 0; n < 5; n++) {
      const { length } = service.log;
      model.write({ type: "text-delta", id: "1", delta: "x" });
      await eventually(() => service.log.length > length, "a message");
    }
    service.trim(4);
    await stopStream(service, "chats/1");
    expect(await within(ended, 5000, "the answer ends")).toBe("stopped");
  });

  it("publishes the stop until the log has it once, although publishes fail before and after the log has it", async () => {
    const faults = [
      { error: clientError(503), isStored: false },
      { error: clientError(0), isStored: true },
    ];
    const service = serviceWith({ failPublish: () => faults.shift() });
    await stopStream(service, "chats/1");
    expect(faults).toEqual([]);
    expect(service.data).toEqual([{ stop: true }]);
  });

  it("throws the error of a service that refuses the stop", async () => {
    const service = serviceWith({
      failPublish: () => ({ error: clientError(403), isStored: false }),
    });
    await expect(stopStream(service, "chats/1")).rejects.toThrow("Status 403.");
  });

  it("refuses wrong arguments", async () => {
    await expect(stopStream({} as never, "a")).rejects.toThrow("createServer");
    await expect(stopStream(serviceWith(), "a", { ttl: 1 } as object)).rejects.toThrow("ttl");
  });
});
