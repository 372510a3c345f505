import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";

/** A third party's endpoint: a key set, or an issuer's introspection. */
export interface JSONServer {
  readonly url: string;
  /** The requests so far. */
  readonly requests: readonly IncomingMessage[];
  close(): Promise<void>;
}

export interface JSONAnswer {
  /** Default 200. */
  readonly status?: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Answers every request with the current result of `answer`. A string is sent unchanged. */
export async function startJSONServer(
  answer: (request: IncomingMessage) => JSONAnswer | Promise<JSONAnswer>,
): Promise<JSONServer> {
  const requests: IncomingMessage[] = [];
  const server = createServer(async (request, response) => {
    requests.push(request);
    const { status = 200, body, headers = {} } = await answer(request);
    response.writeHead(status, { "Content-Type": "application/json", ...headers });
    response.end(typeof body === "string" ? body : JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
