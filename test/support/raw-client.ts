import { connect, type Socket } from "node:net";
import { trackClient } from "./clients.ts";
import { eventually } from "./deadline.ts";

/** A client on a plain TCP connection. It exposes the received bytes, and can stop reading. */
export interface RawClient {
  readonly socket: Socket;
  /** All bytes received so far, one character for each byte. */
  text(): string;
  /** The same without the head and the chunk headers, which a proxy may put anywhere. */
  body(): string;
  /** True once either side closed the connection. */
  isClosed(): boolean;
  waitFor(pattern: RegExp, label: string): Promise<RegExpExecArray>;
}

export interface RawOptions {
  /** Local address of the connection. */
  readonly localAddress?: string;
  readonly httpVersion?: "1.0" | "1.1";
  readonly method?: string;
  /** The query, with its "?". */
  readonly query?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Connects without sending a request. */
  readonly isSilent?: boolean;
}

/** Sends a request for a stream. */
export async function openRaw(url: string, options: RawOptions = {}): Promise<RawClient> {
  const { hostname, port, host } = new URL(url);
  const { localAddress } = options;
  const socket = connect({
    host: hostname,
    port: Number(port),
    ...(localAddress === undefined ? {} : { localAddress }),
  });
  let text = "";
  let closed = false;
  socket.setEncoding("latin1").on("data", (chunk: string) => {
    text += chunk;
  });
  socket.on("error", () => {});
  const forget = trackClient(() => socket.destroy());
  socket.on("close", () => {
    closed = true;
    forget();
  });
  const version = options.httpVersion ?? "1.1";
  const lines = [
    `${options.method ?? "GET"} /api/realtime${options.query ?? ""} HTTP/${version}`,
    ...Object.entries({ Host: host, ...options.headers }).map(
      ([name, value]) => `${name}: ${value}`,
    ),
  ];
  if (options.isSilent !== true) socket.write(`${lines.join("\r\n")}\r\n\r\n`);
  return {
    socket,
    text: () => text,
    body: () => bodyOf(text),
    isClosed: () => closed,
    waitFor: (pattern, label) => eventually(() => pattern.exec(text) ?? undefined, label),
  };
}

/** Opens a stream and reads its client id. */
export async function openRawStream(
  url: string,
  options: RawOptions = {},
): Promise<RawClient & { readonly clientId: string }> {
  const client = await openRaw(url, options);
  const handshake = await eventually(
    () => /^id: (\S+)\n\n/m.exec(client.body()) ?? undefined,
    "PB_CONNECT",
  );
  return { ...client, clientId: handshake[1] ?? "" };
}

function bodyOf(text: string): string {
  const end = text.indexOf("\r\n\r\n");
  if (end === -1) return "";
  let rest = text.slice(end + 4);
  if (!/^transfer-encoding: *chunked\r$/im.test(text.slice(0, end + 1))) return rest;
  let body = "";
  for (
    let head = /^([\da-f]+)\r\n/i.exec(rest);
    head !== null;
    head = /^([\da-f]+)\r\n/i.exec(rest)
  ) {
    const [line, size = ""] = head;
    const length = Number.parseInt(size, 16);
    body += rest.slice(line.length, line.length + length);
    rest = rest.slice(line.length + length + 2);
  }
  return body;
}
