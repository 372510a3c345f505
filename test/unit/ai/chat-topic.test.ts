import { describe, expect, it } from "vitest";
import { ask, openChatPage, PARTS, read, reconnect, serviceWith } from "../../support/chat-page.ts";
import { eventually } from "../../support/deadline.ts";

describe("onAnswer", () => {
  it("is called for an answer that another page has asked for, and not for an own one", async () => {
    const service = serviceWith();
    const [own, other] = [openChatPage(service), openChatPage(service)];
    let calls = 0;
    const off = own.transport.onAnswer("1", () => {
      calls += 1;
    });
    const first = await ask(own.transport);
    own.models[0]?.say();
    await read(first);
    expect(calls).toBe(0);
    const second = await ask(other.transport);
    await eventually(() => calls === 1, "the page is told");
    const joined = await reconnect(own.transport);
    other.models[0]?.say();
    expect(await read(joined)).toEqual(PARTS);
    expect(await read(second)).toEqual(PARTS);
    expect(calls).toBe(1);
    off();
    const third = await ask(other.transport);
    other.models[1]?.say();
    await read(third);
    expect(calls).toBe(1);
  });

  it("is not called for the end of an answer from before", async () => {
    const service = serviceWith();
    const other = openChatPage(service);
    const stream = await ask(other.transport);
    other.models[0]?.say();
    await read(stream);
    const client = service.client();
    let received = 0;
    const realtime: typeof client = {
      ...client,
      subscribe: (topic, onMessage, options) =>
        client.subscribe(
          topic,
          (message) => {
            onMessage(message);
            received += 1;
          },
          options,
        ),
    };
    let calls = 0;
    openChatPage(service, { realtime }).transport.onAnswer("1", () => {
      calls += 1;
    });
    await eventually(() => received === 1, "the page receives the end");
    expect(calls).toBe(0);
    const second = await ask(other.transport);
    await eventually(() => calls > 0, "the page is told");
    other.models[1]?.say();
    await read(second);
    expect(calls).toBe(1);
  });

  it("is called after an own answer if another began in the meantime", async () => {
    const service = serviceWith();
    const [own, other] = [openChatPage(service), openChatPage(service)];
    let calls = 0;
    own.transport.onAnswer("1", () => {
      calls += 1;
    });
    const first = await ask(own.transport);
    const second = await ask(other.transport);
    other.models[0]?.say();
    await read(second);
    expect(calls).toBe(0);
    own.models[0]?.say();
    await read(first);
    await eventually(() => calls === 1, "the page is told");
  });
});
