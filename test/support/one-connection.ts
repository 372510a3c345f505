import { Agent, request } from "node:http";
import { ADMIN_KEY } from "./api.ts";

/** An operator's client that sends all requests over one open connection. */
export interface OneConnection {
  /** Sends a POST with a JSON body, or a GET without a body. */
  send(path: string, body?: unknown): Promise<{ readonly status: number; readonly body: string }>;
  close(): void;
}

/** Opens the connection with the first request. */
export function openOneConnection(url: string): OneConnection {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  return {
    send: (path, body) =>
      new Promise((resolve, reject) => {
        const method = body === undefined ? "GET" : "POST";
        const headers = {
          Authorization: `Bearer ${ADMIN_KEY}`,
          ...(body === undefined ? {} : { "Content-Type": "application/json" }),
        };
        const asked = request(url + path, { agent, method, headers }, (answer) => {
          let text = "";
          answer.setEncoding("utf8").on("data", (piece: string) => {
            text += piece;
          });
          answer.on("end", () => resolve({ status: answer.statusCode ?? 0, body: text }));
        });
        asked.on("error", reject);
        asked.end(body === undefined ? undefined : JSON.stringify(body));
      }),
    close: () => agent.destroy(),
  };
}
