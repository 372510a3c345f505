import { describe, expect, it } from "vitest";
import { createDurableObjectRegistry } from "../../src/registry/durable-object/registry.ts";
import { within } from "../support/deadline.ts";
import { RecordingSink } from "../support/recording-sink.ts";
import { FakeSocket, fakeHub, upgraded } from "./fake-hub.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

describe("a connection's frames", () => {
  it("reach the sink one by one, in order, with the bytes they came with", async () => {
    const { socket, sink } = await attach();
    const frames = [bytes("data: 1\n\n"), new Uint8Array([0, 255, 128, 10]), bytes(""), bytes("x")];
    for (const frame of frames) socket.receive(frame);
    expect(sink.frames).toEqual(frames);
    expect(sink.closings).toEqual([]);
    expect(socket.closings).toEqual([]);
  });

  it("that the sink does not take end the connection as slow, on both sides", async () => {
    const { socket, sink } = await attach(new RecordingSink(2));
    for (const text of ["a", "b", "c"]) socket.receive(bytes(text));
    expect(sink.closings).toEqual(["slow"]);
    expect(sink.frames).toHaveLength(2);
    expect(socket.closings).toEqual([[1000, "slow"]]);
  });
});

describe("a connection's probes", () => {
  it("are the text that a hub answers without waking, one for each activity", async () => {
    const { connection, socket, sink } = await attach();
    connection.updateActivity();
    expect(socket.sent).toEqual(["ping"]);
    socket.receive("pong");
    connection.updateActivity();
    expect(socket.sent).toEqual(["ping", "ping"]);
    expect(sink.frames).toEqual([]);
  });

  it("end it as an error when two of them went unanswered", async () => {
    const { connection, socket, sink } = await attach();
    connection.updateActivity();
    connection.updateActivity();
    expect(sink.closings).toEqual([]);
    connection.updateActivity();
    expect(sink.closings).toEqual(["error"]);
    expect(socket.closings).toEqual([[1000, "error"]]);
    expect(socket.sent).toHaveLength(2);
  });

  it("may be answered late: one answer, and it counts from the start", async () => {
    const { connection, socket, sink } = await attach();
    for (let round = 0; round < 5; round++) {
      connection.updateActivity();
      connection.updateActivity();
      socket.receive("pong");
    }
    expect(sink.closings).toEqual([]);
    expect(socket.sent).toHaveLength(10);
  });

  it("are not sent once it has ended", async () => {
    const { connection, socket, sink } = await attach();
    connection.close("client");
    connection.updateActivity();
    expect(socket.sent).toEqual([]);
    expect(sink.closings).toEqual(["client"]);
  });
});

describe("a connection that its hub ends", () => {
  for (const reason of ["admin", "slow", "shutdown"] as const) {
    it(`tells the sink that it was ${reason}`, async () => {
      const { socket, sink } = await attach();
      socket.end("close", reason);
      expect(sink.closings).toEqual([reason]);
    });
  }

  it("for no reason of ours has lost its hub: an error", async () => {
    for (const reason of ["", "Going away", "constructor"]) {
      const { socket, sink } = await attach();
      socket.end("close", reason);
      expect(sink.closings).toEqual(["error"]);
    }
  });

  it("by an error of the socket is an error, once", async () => {
    const { connection, socket, sink } = await attach();
    socket.end("error");
    socket.end("close", "client");
    connection.close("client");
    expect(sink.closings).toEqual(["error"]);
  });
});

describe("closing the registry", () => {
  it("waits for the hub's answer: what it sent before it is still written", async () => {
    const socket = new FakeSocket();
    const registry = registryOver(socket);
    const connection = await registry.open({});
    const sink = new RecordingSink();
    await connection.attach(sink);
    const closing = registry.close();
    expect(socket.closings).toEqual([[1000, "shutdown"]]);
    socket.receive(bytes("data: last\n\n"));
    expect(sink.closings).toEqual([]);
    socket.end("close", "shutdown");
    await within(closing, 5000, "the registry closes");
    expect(sink.frames).toHaveLength(1);
    expect(sink.closings).toEqual(["shutdown"]);
    expect(sink.framesAfterClose).toBe(0);
  });

  it("does not wait for a hub that is gone", async () => {
    const socket = new FakeSocket();
    const registry = registryOver(socket);
    const sink = new RecordingSink();
    await (await registry.open({})).attach(sink);
    const closing = registry.close();
    socket.end("error");
    await within(closing, 5000, "the registry closes");
    expect(sink.closings).toHaveLength(1);
  });

  it("has nothing to end of connections that ended before", async () => {
    const { connection, socket, registry } = await attach();
    connection.close("client");
    await within(registry.close(), 5000, "the registry closes");
    expect(socket.closings).toEqual([[1000, "client"]]);
  });
});

function registryOver(socket: FakeSocket) {
  const hub = fakeHub({ fetch: async () => upgraded(socket) });
  return createDurableObjectRegistry({ hub: () => hub, shards: 1 });
}

async function attach(sink = new RecordingSink()) {
  const socket = new FakeSocket();
  const registry = registryOver(socket);
  const connection = await registry.open({});
  await connection.attach(sink);
  return { connection, registry, socket, sink };
}
