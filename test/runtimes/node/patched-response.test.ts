import {
  createServer,
  get,
  type IncomingMessage,
  type RequestListener,
  type Server,
  ServerResponse,
} from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { createGunzip, createGzip } from "node:zlib";
import { getRequestListener } from "@hono/node-server";
import { Hono } from "hono";
import { afterEach, describe, expect, it } from "vitest";
import { createServer as createRealtime } from "../../../src/api/server.ts";
import { nodeRuntime } from "../../../src/node.ts";
import { closeClients } from "../../support/clients.ts";
import { eventually } from "../../support/deadline.ts";
import { openRawStream } from "../../support/raw-client.ts";
import { parseEvents } from "../../support/sse-client.ts";

const realtime = createRealtime({ runtime: nodeRuntime });
const servers: Server[] = [];
const NUMBERS = Array.from({ length: 30 }, (_, n) => String(n));

afterEach(async () => {
  closeClients();
  for (const server of servers.splice(0)) server.close();
  await eventually(
    () => realtime.realtimeManager?.getAllClientIds().length === 0,
    "all clients are removed",
  );
});

type Patch = (outgoing: ServerResponse) => void;

async function serve(patch: Patch, app = realtime.app, Response = ServerResponse): Promise<string> {
  const handle = getRequestListener(app.fetch) as RequestListener;
  const server = createServer({ ServerResponse: Response }, (incoming, outgoing) => {
    patch(outgoing);
    return handle(incoming, outgoing);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  servers.push(server);
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/**
 * Compresses as middleware for Node's server does: by replacing methods of the response.
 *
 * @param isForced Also a response that has a `Content-Encoding`, and each write at once.
 */
function gzip(isForced: boolean): Patch {
  return (outgoing) => {
    const { write, end, writeHead } = outgoing;
    const compress = createGzip();
    let isCompressed: boolean | undefined;
    const start = () => {
      if (isCompressed !== undefined) return;
      isCompressed = isForced || !outgoing.hasHeader("Content-Encoding");
      if (isCompressed) outgoing.setHeader("Content-Encoding", "gzip");
      writeHead.call(outgoing, outgoing.statusCode);
    };
    compress.on("data", (chunk) => Reflect.apply(write, outgoing, [chunk]));
    compress.on("end", () => Reflect.apply(end, outgoing, []));
    outgoing.writeHead = ((status: number, headers: Record<string, string> = {}) => {
      outgoing.statusCode = status;
      for (const [name, value] of Object.entries(headers)) outgoing.setHeader(name, value);
      return outgoing;
    }) as never;
    outgoing.write = ((chunk: Uint8Array) => {
      start();
      if (isCompressed !== true) return Reflect.apply(write, outgoing, [chunk]);
      const isTaken = compress.write(chunk);
      if (isForced) compress.flush();
      return isTaken;
    }) as never;
    outgoing.end = (() => {
      start();
      return isCompressed === true ? compress.end() : Reflect.apply(end, outgoing, []);
    }) as never;
  };
}

/** The numbers that a client receives over a possibly compressed response, and the response's Content-Encoding. */
async function receive(url: string) {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const headers = { "Accept-Encoding": "gzip" };
    const request = get(`${url}/api/realtime?topic=n`, { headers }, resolve);
    request.on("error", reject);
  });
  const encoding = response.headers["content-encoding"];
  const stream = encoding === "gzip" ? response.pipe(createGunzip()) : response;
  let text = "";
  let failure: unknown;
  stream.setEncoding("utf8").on("data", (part: string) => {
    text += part;
  });
  stream.on("error", (error) => {
    failure = error;
  });
  await eventually(() => text.includes("PB_CONNECT") || failure !== undefined, "the handshake");
  for (const n of NUMBERS) await realtime.publish({ topic: "n", data: Number(n) });
  await eventually(() => /data: 1?29\n/.test(text) || failure !== undefined, "the last message");
  response.destroy();
  const data = parseEvents(text).filter(({ event }) => event === "n");
  return { encoding, failure, data: data.map(({ data }) => data) };
}

describe("a stream on Node with a response that has replaced methods", () => {
  it("is complete and not compressed when the compression respects Content-Encoding", async () => {
    const { encoding, data } = await receive(await serve(gzip(false)));
    expect([encoding, data]).toEqual(["identity", NUMBERS]);
  });

  it("is complete and compressed when the compression ignores Content-Encoding", async () => {
    const { encoding, failure, data } = await receive(await serve(gzip(true)));
    expect([encoding, failure, data]).toEqual(["gzip", undefined, NUMBERS]);
  });

  const shout = (chunk: Uint8Array) =>
    Buffer.from(Buffer.from(chunk).toString().replaceAll("data: ", "data: 1"));
  const shouting: Patch = (outgoing) => {
    const { write } = outgoing;
    let writes = 0;
    outgoing.write = ((chunk: Uint8Array) => {
      writes += 1;
      return Reflect.apply(write, outgoing, [writes === 1 ? chunk : shout(chunk)]);
    }) as never;
  };
  class Shouting extends ServerResponse {
    #count = 0;
    override write(chunk: Uint8Array): boolean {
      this.#count += 1;
      return super.write(this.#count === 1 ? chunk : shout(chunk));
    }
  }
  /** Replaces the methods while the handler runs, when the sink is already open. */
  const late = (patch: Patch) => {
    const app = new Hono<{ Bindings: { outgoing: ServerResponse } }>();
    app.use("*", async (c, next) => {
      await next();
      patch(c.env.outgoing);
    });
    return app.route("/", realtime.app as never) as unknown as typeof realtime.app;
  };
  /** Changes every chunk after the first one. */
  const piped = () => {
    const app = new Hono();
    app.use("*", async (c, next) => {
      await next();
      let chunks = 0;
      const change = new TransformStream<Uint8Array, Uint8Array>({
        transform: (chunk, controller) => {
          chunks += 1;
          controller.enqueue(chunks === 1 ? chunk : shout(chunk));
        },
      });
      if (c.res.body !== null) c.res = new Response(c.res.body.pipeThrough(change), c.res);
    });
    return app.route("/", realtime.app);
  };

  it.each([
    ["before the handler", () => serve(shouting)],
    ["after the handler", () => serve(() => {}, late(shouting))],
    ["by another class", () => serve(() => {}, realtime.app, Shouting as never)],
    ["by a stream in between", () => serve(() => {}, piped())],
  ])("with methods replaced %s passes every byte through the replacement", async (_, start) => {
    const { data } = await receive(await start());
    expect(data).toEqual(NUMBERS.map((n) => `1${n}`));
  });

  it.each(["write", "end"] as const)(
    "with only %s replaced stays in Hono's stream",
    async (name) => {
      let calls = 0;
      const counting: Patch = (outgoing) => {
        const method = outgoing[name];
        outgoing[name] = ((...parts: []) => {
          calls += 1;
          return Reflect.apply(method as never, outgoing, parts);
        }) as never;
      };
      const url = await serve(counting);
      const { data } = await receive(url);
      expect(data).toEqual(NUMBERS);
      if (name === "write") expect(calls).toBeGreaterThan(2);
    },
  );

  it("with `end` replaced ends through the replacement", async () => {
    let ends = 0;
    const url = await serve((outgoing) => {
      const { end } = outgoing;
      outgoing.end = ((...parts: []) => {
        ends += 1;
        return Reflect.apply(end, outgoing, parts);
      }) as never;
    });
    const { clientId } = await openRawStream(url);
    expect(ends).toBe(0);
    realtime.realtimeManager?.removeClient(clientId, "admin");
    await eventually(() => ends === 1, "the response ends");
  });

  it("without a Node socket stays in Hono's stream", async () => {
    const url = await serve((outgoing) => {
      const { socket } = outgoing;
      const proxied = new Proxy(socket as Socket, { getPrototypeOf: () => Object.prototype });
      Object.defineProperty(outgoing, "socket", { get: () => proxied, configurable: true });
    });
    expect((await receive(url)).data).toEqual(NUMBERS);
  });
});
