import { connect } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { startServer } from "../../../src/node.ts";
import { closeClients } from "../../support/clients.ts";
import { within } from "../../support/deadline.ts";
import { openStream } from "../../support/sse-client.ts";

afterEach(closeClients);

describe("a connection on Node with a client that pipelines requests and reads no responses", () => {
  it("is closed, and a stream that is only pinged is not", async () => {
    // 6 s in total, long enough for a ping on a busy machine as well.
    const times = { pingInterval: 500, staleTimeout: 5000, requestTimeout: 500 };
    const server = await startServer({ port: 0, ...times });
    const stream = await openStream(server.url);
    const socket = connect(Number(new URL(server.url).port), "127.0.0.1").pause();
    const closed = new Promise((resolve) => socket.on("error", () => {}).on("close", resolve));
    // More than the kernel buffers, so that the client's own write fails when the connection is closed.
    socket.write("GET /api/openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(400_000));
    await within(closed, 20_000, "the connection is closed");
    expect(server.realtimeManager?.getAllClientIds()).toEqual([stream.clientId]);
    await server.close();
  });
});
