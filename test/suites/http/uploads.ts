import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ADMIN_KEY, call } from "../../support/api.ts";
import { within } from "../../support/deadline.ts";
import { leftOut } from "../../support/flags.ts";
import { type RuntimeUnderTest, type Service, startService } from "../../support/service.ts";

const MEBIBYTE = 1024 * 1024;

/** An upload that is refused while its client is still sending. */
export function uploadsSuite(runtime: RuntimeUnderTest): void {
  describe("a large upload that is refused", () => {
    let service: Service;
    beforeAll(async () => {
      service = await startService(runtime);
    });
    afterAll(() => service.stop());

    const key = `Authorization: Bearer ${ADMIN_KEY}\r\n`;
    const cases: [
      name: string,
      status: string,
      path: string,
      header: string,
      isChunked: boolean,
    ][] = [
      ["with its length", "413", "/api/realtime", "", false],
      ["with its length, and the admin key", "413", "/api/realtime/messages", key, false],
      ["in chunks", "413", "/api/realtime", "", true],
      ["in chunks, and the admin key", "413", "/api/realtime/messages", key, true],
      ["without a key", "401", "/api/realtime/messages", "", false],
    ];
    const { ownUploads } = runtime;
    const possible = cases.filter(([, , , , isChunked]) => !isChunked || ownUploads === undefined);
    if (ownUploads !== undefined) it.skip(leftOut("chunks", ownUploads));
    it.each(possible)("%s gets a response: %s", async (_, status, path, header, isChunked) => {
      for (let count = 0; count < 5; count++) {
        const answer = upload(service.url, path, header, isChunked);
        expect(await within(answer, 20_000, "the upload ends")).toContain(`HTTP/1.1 ${status} `);
      }
      expect((await call(service.url, "/api/health")).status).toBe(200);
    });
  });
}

/** Sends 50 MiB until all is sent or the connection ends. @returns the response. */
function upload(url: string, path: string, header: string, isChunked: boolean): Promise<string> {
  const { hostname, port, host } = new URL(url);
  const socket = connect(Number(port), hostname);
  const size = 50 * MEBIBYTE;
  const piece = Buffer.alloc(MEBIBYTE / 16, " ");
  const chunk = isChunked
    ? Buffer.concat([Buffer.from("10000\r\n"), piece, Buffer.from("\r\n")])
    : piece;
  const length = isChunked ? "Transfer-Encoding: chunked" : `Content-Length: ${size}`;
  socket.write(
    `POST ${path} HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\n${header}${length}\r\n\r\n`,
  );
  let sent = 0;
  const send = () => {
    while (!socket.destroyed && sent < size) {
      sent += piece.length;
      if (!socket.write(chunk)) {
        socket.once("drain", () => setImmediate(send));
        return;
      }
    }
    socket.end(isChunked ? "0\r\n\r\n" : "");
  };
  send();
  let answer = "";
  socket.setEncoding("utf8").on("data", (text: string) => {
    answer += text;
  });
  return new Promise((resolve) => {
    // The server may end the connection when it has answered.
    socket.on("error", () => {}).on("close", () => resolve(answer));
  });
}
