import type { ServerOptions } from "../../src/api/options.ts";
import { createServer, type RealtimeServer } from "../../src/api/server.ts";
import { createTracing } from "../../src/api/tracing/open-telemetry.ts";
import { RecordingSink } from "./recording-sink.ts";

/** The admin key of a `TracedServer`. */
export const KEY = "an-admin-key-of-a-test";

/** A server with tracing, which is called in this process. */
export class TracedServer {
  readonly server: RealtimeServer;

  constructor(options: ServerOptions = {}) {
    this.server = createServer({
      adminKey: KEY,
      tracing: createTracing(),
      logger: { debug() {}, info() {}, warn() {}, error() {} },
      ...options,
    });
  }

  /** Sends a request below `/api/realtime` with the admin key. */
  post(path: string, body: unknown, headers: Record<string, string> = {}) {
    return this.server.app.request(`/api/realtime${path}`, {
      method: "POST",
      headers: { "Content-Type": "application/json", Authorization: KEY, ...headers },
      body: JSON.stringify(body),
    });
  }

  publish(body: unknown, headers?: Record<string, string>) {
    return this.post("/messages", body, headers);
  }

  /** Connects a client that gets envelopes. */
  async connect(topics: readonly string[]) {
    const connection = await this.server.registry.open({ topics, envelope: true });
    const sink = new RecordingSink();
    await connection.attach(sink);
    return { clientId: connection.clientId, sink };
  }
}
