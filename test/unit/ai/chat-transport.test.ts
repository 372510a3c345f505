import type { UIMessageChunk } from "ai";
import { afterEach, describe, expect, it, vi } from "vitest";
import { createChatTransport, publishStream, stopStream } from "../../../src/ai.ts";
import { readAll } from "../../support/answers.ts";
import {
  ask,
  Model,
  openChatPage,
  PARTS,
  question,
  read,
  reconnect,
  serviceWith,
} from "../../support/chat-page.ts";
import { eventually, within } from "../../support/deadline.ts";
import { seededRandom } from "../../support/random.ts";
import { clientError } from "../../support/topic-service.ts";

describe("createChatTransport", () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it("sends the messages to the app, and returns the parts of the answer", async () => {
    const service = serviceWith();
    const { transport, requests, models } = openChatPage(service, {
      api: "/ask",
      headers: async () => new Headers({ "X-One": "1" }),
      body: { model: "small" },
    });
    const stream = await transport.sendMessages({
      ...{ trigger: "submit-message", chatId: "1", messageId: undefined, messages: [question] },
      ...{ abortSignal: undefined, headers: { "X-Two": "2" }, body: { temperature: 1 } },
    });
    models[0]?.say();
    expect(await read(stream)).toEqual(PARTS);
    const [{ url, init } = { url: "", init: {} }] = requests;
    expect(url).toBe("/ask");
    expect(init.method).toBe("POST");
    expect(new Headers(init.headers).get("Content-Type")).toBe("application/json");
    expect(new Headers(init.headers).get("X-One")).toBe("1");
    expect(new Headers(init.headers).get("X-Two")).toBe("2");
    expect(JSON.parse(String(init.body))).toEqual({
      ...{ id: "1", trigger: "submit-message", messages: [question] },
      ...{ model: "small", temperature: 1 },
    });
  });

  it("gives a reload and a second tab the whole answer, and goes on", async () => {
    const service = serviceWith();
    const { transport, models } = openChatPage(service);
    const first = await ask(transport);
    models[0]?.say(6);
    await eventually(() => service.log.length >= 2, "the first parts");
    const reloaded = await reconnect(openChatPage(service).transport);
    const second = await reconnect(transport);
    models[0]?.say();
    for (const stream of [first, reloaded, second]) expect(await read(stream)).toEqual(PARTS);
  });

  it("finds an answer whose model has said nothing yet", async () => {
    const service = serviceWith();
    const { transport, models } = openChatPage(service);
    const first = await ask(transport);
    await eventually(() => service.log.length === 1, "the answer begins");
    const reloaded = await reconnect(openChatPage(service).transport);
    models[0]?.say();
    expect(await read(reloaded)).toEqual(PARTS);
    expect(await read(first)).toEqual(PARTS);
  });

  it("needs no history for parts that arrive before the app has responded", async () => {
    const service = serviceWith();
    const client = service.client();
    let reads = 0;
    const realtime = {
      ...client,
      history: (...args: Parameters<typeof client.history>) => {
        reads += 1;
        return client.history(...args);
      },
    };
    const model = new Model(PARTS);
    const { transport } = openChatPage(service, {
      realtime,
      fetch: async () => {
        // The subscription is there before the answer begins.
        await new Promise((resolve) => setTimeout(resolve, 20));
        const { id, ended } = publishStream(service, "chats/1", model.stream, { interval: 10 });
        model.say();
        await ended;
        await new Promise((resolve) => setTimeout(resolve, 50));
        return Response.json({ answer: id });
      },
    });
    expect(await read(await ask(transport))).toEqual(PARTS);
    expect(reads).toBe(0);
  });

  it("does not return an answer that failed, although the page does not show it", async () => {
    const service = serviceWith();
    const fetch = async () => {
      const error: UIMessageChunk = { type: "error", errorText: "No model." };
      const model = new Model([...PARTS.slice(0, 3), error]);
      model.say();
      return Response.json({ answer: publishStream(service, "chats/1", model.stream).id });
    };
    await read(await ask(openChatPage(service, { fetch }).transport));
    expect(
      await reconnect(openChatPage(service, { hasMessage: () => false }).transport),
    ).toBeNull();
  });

  it("returns null where no answer runs: before the first, and after the last", async () => {
    const service = serviceWith();
    const { transport, models } = openChatPage(service);
    expect(await reconnect(transport)).toBeNull();
    const stream = await ask(transport);
    models[0]?.say();
    await read(stream);
    expect(await reconnect(transport)).toBeNull();
    expect(await reconnect(openChatPage(service).transport)).toBeNull();
  });

  it("returns an answer that has ended if the page does not show it", async () => {
    const service = serviceWith();
    const { transport, models } = openChatPage(service);
    const stream = await ask(transport);
    models[0]?.say();
    await read(stream);
    const asked: string[][] = [];
    const shows = (isShown: boolean) =>
      openChatPage(service, {
        hasMessage: (...ids) => {
          asked.push(ids);
          return isShown;
        },
      }).transport;
    expect(await reconnect(shows(true))).toBeNull();
    expect(await read(await reconnect(shows(false)))).toEqual(PARTS);
    expect(asked).toEqual([
      ["m1", "1"],
      ["m1", "1"],
    ]);
  });

  it("leaves out the messages of an earlier answer, and messages of something else", async () => {
    const service = serviceWith();
    const { transport, models } = openChatPage(service);
    const first = await ask(transport);
    models[0]?.say();
    await read(first);
    await service.publish({ topic: "chats/1", data: { typing: true } });
    const second = await ask(transport);
    await service.publish({ topic: "chats/1", data: null });
    models[1]?.say(5);
    await eventually(() => service.log.length > 6, "the first parts");
    const reloaded = await reconnect(openChatPage(service).transport);
    models[1]?.say();
    expect(await read(second)).toEqual(PARTS);
    expect(await read(reloaded)).toEqual(PARTS);
  });

  it("keeps two answers apart that two tabs ask for at once", async () => {
    const service = serviceWith();
    const tabs = [openChatPage(service), openChatPage(service)];
    const streams = await Promise.all(tabs.map(({ transport }) => ask(transport)));
    for (const { models } of tabs) models[0]?.say(4);
    for (const { models } of tabs) models[0]?.say();
    for (const stream of streams) expect(await read(stream)).toEqual(PARTS);
  });

  it("reads an answer of more than 1,000 messages", { timeout: 60_000 }, async () => {
    const service = serviceWith();
    const answer = "long";
    for (let index = 0; index < 2500; index++) {
      const parts = index === 0 ? [] : [{ type: "text-delta", id: "1", delta: `${index}` }];
      const json = JSON.stringify({ answer, index, parts });
      service.published += 1;
      const at = new Date().toISOString();
      service.log.push({ id: `${index}`, json, at, cursor: service.published });
    }
    const stream = await reconnect(openChatPage(service).transport);
    await service.publish({ topic: "chats/1", data: { answer, index: 2500, end: "finished" } });
    const parts = await read(stream);
    expect(parts.map((part) => "delta" in part && part.delta)).toEqual(
      Array.from({ length: 2499 }, (_, index) => `${index + 1}`),
    );
    // 100, 1,000, 1,000 and the rest; a message that was published in between may need one more.
    expect(service.reads).toBeLessThanOrEqual(6);
  });

  it("survives lost and repeated messages", async () => {
    const random = seededRandom(3);
    const service = serviceWith({
      loses: () => random.chance(0.3),
      repeats: () => random.chance(0.3),
    });
    const { transport, models } = openChatPage(service);
    const stream = await ask(transport);
    for (const _ of PARTS) {
      models[0]?.say(1);
      await new Promise((resolve) => setTimeout(resolve, 12));
    }
    expect(await read(stream)).toEqual(PARTS);
  });

  it("reads the history again while the service does not respond", async () => {
    const errors = [clientError(0), clientError(503), clientError(429)];
    const service = serviceWith();
    const { transport, models } = openChatPage(service);
    const first = await ask(transport);
    models[0]?.say(5);
    await eventually(() => service.log.length >= 2, "the first parts");
    service.faults.failHistory = () => errors.pop();
    const reloaded = await reconnect(openChatPage(service).transport);
    models[0]?.say();
    expect(await read(reloaded)).toEqual(PARTS);
    await read(first);
  });

  it("fails in plain words when the service no longer has the beginning of the answer", async () => {
    const service = serviceWith();
    const { transport, models } = openChatPage(service);
    await ask(transport);
    models[0]?.say(5);
    await eventually(() => service.log.length >= 2, "the first parts");
    service.trim(1);
    await expect(reconnect(openChatPage(service).transport)).rejects.toThrow(
      "beginning of the answer",
    );
  });

  it("fails in plain words when a message is lost that the history no longer has", async () => {
    const service = serviceWith();
    const { transport, models } = openChatPage(service);
    const stream = await ask(transport);
    models[0]?.say(5);
    const reader = stream.getReader();
    await reader.read();
    let isLost = false;
    service.faults.loses = () => {
      if (isLost) return false;
      service.trim(service.log.length);
      isLost = true;
      return true;
    };
    models[0]?.say(1);
    await eventually(() => isLost, "a message is lost");
    models[0]?.say();
    const rest = (async () => {
      while (!(await reader.read()).done);
    })();
    await expect(within(rest, 20_000, "the answer ends")).rejects.toThrow("A part of the answer");
  });

  it("passes on the error of the model", async () => {
    const service = serviceWith();
    const { transport } = openChatPage(service, {
      fetch: async () => {
        const source = () => Promise.reject(new Error("secret"));
        const { id } = publishStream(service, "chats/1", source, { onError: () => "No model." });
        return Response.json({ answer: id });
      },
    });
    expect(await read(await ask(transport))).toEqual([{ type: "error", errorText: "No model." }]);
  });

  it("ends every reader of an answer that is stopped, with `abort`", async () => {
    const service = serviceWith();
    const { transport, models, ends } = openChatPage(service);
    const first = await ask(transport);
    models[0]?.say(5);
    await eventually(() => service.log.length >= 2, "the first parts");
    const second = await reconnect(openChatPage(service).transport);
    await stopStream(service, "chats/1");
    const expected = [...PARTS.slice(0, 5), { type: "abort" }];
    expect(await read(first)).toEqual(expected);
    expect(await read(second)).toEqual(expected);
    expect(await ends[0]).toBe("stopped");
  });

  it("passes on the `abort` of the model, and adds none", async () => {
    const service = serviceWith();
    const abort: UIMessageChunk = { type: "abort", reason: "Stopped." };
    const model = new Model([...PARTS.slice(0, 3), abort]);
    const fetch = async () => {
      const source = (signal: AbortSignal) => {
        signal.addEventListener("abort", () => model.say());
        return model.stream;
      };
      return Response.json({ answer: publishStream(service, "chats/1", source).id });
    };
    const stream = await ask(openChatPage(service, { fetch }).transport);
    await eventually(() => service.log.length >= 1, "the answer begins");
    await stopStream(service, "chats/1");
    expect(await read(stream)).toEqual([...PARTS.slice(0, 3), abort]);
  });

  it("ends the stream of a page that aborts, and the model goes on", async () => {
    const service = serviceWith();
    const { transport, models, ends } = openChatPage(service);
    const abort = new AbortController();
    const stream = await ask(transport, abort.signal);
    models[0]?.say(3);
    const reader = stream.getReader();
    await reader.read();
    abort.abort();
    const rest = (async () => {
      while (!(await reader.read()).done);
    })();
    await expect(within(rest, 5000, "the stream ends")).rejects.toMatchObject({
      name: "AbortError",
    });
    models[0]?.say();
    expect(await ends[0]).toBe("finished");
    const aborted = ask(openChatPage(service).transport, AbortSignal.abort());
    await expect(aborted.then((one) => readAll(one))).rejects.toMatchObject({ name: "AbortError" });
  });

  it("unsubscribes when a stream is cancelled, and when an answer has ended", async () => {
    const service = serviceWith();
    const open1 = service.client();
    let subscriptions = 0;
    const realtime = {
      ...open1,
      subscribe: (...args: Parameters<typeof open1.subscribe>) => {
        subscriptions += 1;
        const end = open1.subscribe(...args);
        return () => {
          subscriptions -= 1;
          end();
        };
      },
    };
    const { transport, models } = openChatPage(service, { realtime });
    await (await ask(transport)).cancel();
    expect(subscriptions).toBe(0);
    const stream = await ask(transport);
    const other = await reconnect(transport);
    expect(subscriptions).toBe(1);
    models[0]?.say();
    models[1]?.say();
    await Promise.all([read(stream), read(other)]);
    expect(subscriptions).toBe(0);
  });

  it("fails when the service refuses the subscription, and when the client is closed", async () => {
    const service = serviceWith();
    const refused = await ask(openChatPage(service).transport);
    const error = Object.assign(new Error("You must be signed in."), { topic: "chats/1" });
    service.emit("error", Object.assign(new Error("Other."), { topic: "chats/2" }));
    service.emit("error", error);
    await expect(read(refused)).rejects.toThrow("You must be signed in.");
    const closed = await ask(openChatPage(service).transport);
    service.emit("status", "connecting");
    service.emit("status", "closed");
    await expect(read(closed)).rejects.toThrow("closed");
  });

  it("fails when the history is refused", async () => {
    const service = serviceWith({ failHistory: () => clientError(403) });
    await expect(reconnect(openChatPage(service).transport)).rejects.toThrow("Status 403.");
  });

  it.each<[string, () => Promise<Response>, string]>([
    ["an error", async () => new Response("Too many chats.", { status: 429 }), "Too many chats."],
    ["an empty error", async () => new Response(null, { status: 500 }), "Status 500."],
    ["another JSON", async () => Response.json({ id: "a" }), '{ "answer": id }'],
    ["no JSON", async () => new Response("<html>"), '{ "answer": id }'],
    ["nothing", async () => Promise.reject(new TypeError("Failed to fetch")), "Failed to fetch"],
  ])("fails when the app responds with %s", async (_, fetch, message) => {
    await expect(ask(openChatPage(serviceWith(), { fetch }).transport)).rejects.toThrow(message);
  });

  it("refuses wrong options, and names them", () => {
    const realtime = serviceWith().client();
    expect(() => createChatTransport({ realtime, url: "/" } as never)).toThrow('"url"');
    expect(() => createChatTransport({} as never)).toThrow("realtime must be a client");
  });
});
