/** An identity from a backend, over real sockets: with the PocketBase SDK, with an EventSource, and with a cookie. */
import { EventSource } from "eventsource";
import PocketBase from "pocketbase";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { CallbackOptions } from "../../../../src/api/callbacks/options.ts";
import { type RunningServer, startServer } from "../../../../src/node.ts";
import {
  CALLBACK_SECRET,
  type CallbackBackend,
  startBackend,
} from "../../../support/callback-backend.ts";
import { eventually } from "../../../support/deadline.ts";

globalThis.EventSource = EventSource;

let backend: CallbackBackend;
let service: RunningServer;
beforeEach(async () => {
  backend = await startBackend(({ type }) =>
    type === "connect"
      ? { allow: true, identity: "anna", rights: ["anna/*"], info: { name: "Anna" } }
      : { allow: true },
  );
});
afterEach(async () => {
  await service.close();
  expect(backend.faults).toEqual([]);
  await backend.close();
});

async function start(options: Partial<CallbackOptions> = {}) {
  const callbacks = { url: backend.url, secret: CALLBACK_SECRET, ...options };
  service = await startServer({
    port: 0,
    topics: [{ match: "anna/*", presence: true }],
    callbacks: { ...callbacks, ask: ["connect", "subscribe"] },
  });
}

const publish = (data: string) => service.publish({ topic: "anna/1", data, private: true });
const onlyClient = async () => (await service.registry.clients()).clients[0];

it("the SDK receives private messages of the identity, also after it has changed its subscriptions", async () => {
  await start();
  const pb = new PocketBase(service.url);
  const heard: unknown[] = [];
  await pb.realtime.subscribe("anna/1", (data) => heard.push(data));
  await publish("one");
  await eventually(() => heard.length === 1, "the first message");
  await pb.realtime.subscribe("anna/2", () => undefined);
  await publish("two");
  await eventually(() => heard.length === 2, "the second message");
  expect(heard).toEqual(["one", "two"]);
  expect(await onlyClient()).toMatchObject({ identity: "anna", rights: ["anna/*"] });
  const asked = backend.bodies.filter(({ type }) => type === "subscribe");
  expect(asked).toMatchObject([
    { identity: "anna", subscriptions: ["anna/1"] },
    { identity: "anna", subscriptions: ["anna/1", "anna/2"] },
  ]);
  await pb.realtime.unsubscribe();
});

it("an EventSource with topics receives private messages of the identity", async () => {
  await start();
  const source = new EventSource(`${service.url}/api/realtime?topic=anna/1`);
  const heard: unknown[] = [];
  source.addEventListener("anna/1", ({ data }) => heard.push(data));
  await eventually(async () => (await onlyClient()) !== undefined, "the client is registered");
  await publish("one");
  await eventually(() => heard.length === 1, "the message");
  expect(heard).toEqual(['"one"']);
  source.close();
});

it("a backend finds the user by a cookie", async () => {
  backend.answer = ({ headers }) => {
    const { cookie = "" } = headers as { cookie?: string };
    const [, identity] = /session-of-(\w+)/.exec(cookie) ?? [];
    return { allow: true, ...(identity !== undefined && { identity }) };
  };
  await start({ headers: ["cookie"] });
  const abort = new AbortController();
  await fetch(`${service.url}/api/realtime`, {
    headers: { Cookie: "id=session-of-bert" },
    signal: abort.signal,
  });
  await eventually(async () => (await onlyClient()) !== undefined, "the client is registered");
  expect(await onlyClient()).toMatchObject({ identity: "bert" });
  abort.abort();
});
