import { describe, expect, it } from "vitest";
import { createDurableObjectRegistry } from "../../src/registry/durable-object/registry.ts";
import { within } from "../support/deadline.ts";
import { RecordingSink } from "../support/recording-sink.ts";
import { FakeSocket, fakeHub, upgraded } from "./fake-hub.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

describe("a connection's frames", () => {
  it("reach the sink one by one, in order, with unchanged bytes", async () => {
    const { socket, sink } = await attach();
    const frames = [bytes("data: 1\n\n"), new Uint8Array([0, 255, 128, 10]), bytes(""), bytes("x")];
    for (const frame of frames) socket.receive(frame);
    expect(sink.frames).toEqual(frames);
    expect(sink.closings).toEqual([]);
    expect(socket.closings).toEqual([]);
  });

  it("that the sink does not accept end the connection as slow, on both sides", async () => {
    const { socket, sink } = await attach(new RecordingSink(2));
    for (const text of ["a", "b", "c"]) socket.receive(bytes(text));
    expect(sink.closings).toEqual(["slow"]);
    expect(sink.frames).toHaveLength(2);
    expect(socket.closings).toEqual([[1000, "slow"]]);
  });
});

describe("a connection's probes", () => {
  it("are the text that a hub answers without waking, one for each call of updateActivity", async () => {
    const { connection, socket, sink } = await attach();
    connection.updateActivity();
    expect(socket.sent).toEqual(["ping"]);
    socket.receive("pong");
    connection.updateActivity();
    expect(socket.sent).toEqual(["ping", "ping"]);
    expect(sink.frames).toEqual([]);
  });

  it("end the connection as an error when two of them are unanswered", async () => {
    const { connection, socket, sink } = await attach();
    connection.updateActivity();
    connection.updateActivity();
    expect(sink.closings).toEqual([]);
    connection.updateActivity();
    expect(sink.closings).toEqual(["error"]);
    expect(socket.closings).toEqual([[1000, "error"]]);
    expect(socket.sent).toHaveLength(2);
  });

  it("may be answered late, which resets the count", async () => {
    const { connection, socket, sink } = await attach();
    for (let round = 0; round < 5; round++) {
      connection.updateActivity();
      connection.updateActivity();
      socket.receive("pong");
    }
    expect(sink.closings).toEqual([]);
    expect(socket.sent).toHaveLength(10);
  });

  it("are not sent after the end of the connection", async () => {
    const { connection, socket, sink } = await attach();
    connection.close("client");
    connection.updateActivity();
    expect(socket.sent).toEqual([]);
    expect(sink.closings).toEqual(["client"]);
  });
});

describe("a connection that its hub ends", () => {
  for (const reason of ["admin", "slow", "shutdown"] as const) {
    it(`closes the sink with the reason ${reason}`, async () => {
      const { socket, sink } = await attach();
      socket.end("close", reason);
      expect(sink.closings).toEqual([reason]);
    });
  }

  it("with an unknown reason has lost its hub, which is an error", async () => {
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
  it("waits for the hub's response, and writes frames that the hub sent before it", async () => {
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

  it("does not wait for a lost hub", async () => {
    const socket = new FakeSocket();
    const registry = registryOver(socket);
    const sink = new RecordingSink();
    await (await registry.open({})).attach(sink);
    const closing = registry.close();
    socket.end("error");
    await within(closing, 5000, "the registry closes");
    expect(sink.closings).toHaveLength(1);
  });

  it("ignores connections that have already ended", async () => {
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
