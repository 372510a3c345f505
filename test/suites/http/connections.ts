import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { within } from "../../support/deadline.ts";
import { openRawStream } from "../../support/raw-client.ts";
import { type RuntimeUnderTest, type Service, startService } from "../../support/service.ts";

/** Raw requests: their version, target, Host and Connection. */
export function connectionsSuite(runtime: RuntimeUnderTest): void {
  describe("a request on the wire", () => {
    let service: Service;
    beforeAll(async () => {
      service = await startService(runtime);
    });
    afterAll(() => service.stop());

    /** Sends the lines of a request, and answers with everything up to the end of the connection. */
    const ask = async (...lines: readonly string[]): Promise<string> => {
      const { hostname, port } = new URL(service.url);
      const socket = connect(Number(port), hostname);
      let text = "";
      socket.setEncoding("latin1").on("data", (chunk: string) => {
        text += chunk;
      });
      const closed = new Promise((resolve) => socket.on("close", resolve));
      socket.on("error", () => {});
      socket.write(`${lines.join("\r\n")}\r\n\r\n`);
      await within(closed, 10_000, `the connection closes: ${lines.join(", ")}`);
      return text;
    };
    const statusOf = (text: string) => Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1]);
    const close = "Connection: close";

    it.each([
      ["GET /api/health HTTP/1.0", [], 200],
      ["GET /zzz/api/health HTTP/1.0", [], 404],
      ["GET /api/health?from=probe HTTP/1.0", ["Host:"], 200],
      ["GET /api/health HTTP/1.0", ["Host: example.com"], 200],
      ["GET http://example.com/api/health HTTP/1.0", [], 200],
      ["GET http://example.com/api/health HTTP/1.1", ["Host: example.com"], 200],
      ["GET http://example.com/zzz/api/health HTTP/1.1", ["Host: example.com"], 404],
      ["GET //api/health HTTP/1.1", ["Host: example.com"], 404],
      ["GET //api/health HTTP/1.0", [], 404],
      ["GET /api/health HTTP/1.1", ["Host: [::1]:8090"], 200],
      ["GET /api/health HTTP/1.1", ["Host: example.com/zzz"], 400],
      ["GET /api/health HTTP/1.1", ["Host: example.com?"], 400],
      ["GET /api/health HTTP/1.1", ["Host: example com"], 400],
      ["GET /api/health HTTP/1.1", ["Host: example.com:99999"], 400],
      ["GET /zzz/api/health HTTP/1.1", ["Host: #"], 400],
      ["GET /api/health HTTP/1.1", [], 400],
    ])("%s with %j is answered with %i", async (line, headers, status) => {
      const text = await ask(line, ...headers, close);
      expect(statusOf(text)).toBe(status);
    });

    it.each(["/api/health", "/nothing", "/api/realtime/stats"])(
      "to %s with `Connection: close` gets a response with `Connection: close`",
      async (path) => {
        const text = await ask(`GET ${path} HTTP/1.1`, "Host: example.com", close);
        expect(text).toMatch(/^connection: close\r$/im);
      },
    );

    it("for a stream with `Connection: close` gets that header, and the connection closes when the stream ends", async () => {
      const own = await startService(runtime);
      const stream = await openRawStream(own.url, { headers: { Connection: "close" } });
      expect(stream.text()).toMatch(/^connection: close\r$/im);
      expect(stream.text()).not.toMatch(/^connection: keep-alive\r$/im);
      const closed = new Promise((resolve) => stream.socket.on("close", resolve));
      await own.stop();
      await within(closed, 10_000, "the connection closes");
      expect(stream.text()).toMatch(/\r\n0\r\n\r\n$/);
    });
  });
}
