import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ADMIN_KEY } from "../../support/api.ts";
import { eventually, pause } from "../../support/deadline.ts";
import { openRaw } from "../../support/raw-client.ts";
import { type RuntimeUnderTest, type Service, startService } from "../../support/service.ts";

/** Node's own default is 5 s. nginx keeps a connection to its upstream for 60 s. */
const IDLE = 7000;

export function keepAliveSuite(runtime: RuntimeUnderTest): void {
  describe("a connection without a request", () => {
    let service: Service;
    beforeAll(async () => {
      service = await startService(runtime, { env: { REALTIME_DRAIN_SECONDS: "3600" } });
    });
    afterAll(() => service.stop());

    it("stays open for a proxy that reuses it for a publish, and is closed at once when the service stops", async () => {
      const raw = await openRaw(service.url, { method: "HEAD" });
      await raw.waitFor(/^HTTP\/1\.1 200 /, "the first answer");
      await pause(IDLE);
      expect(raw.isClosed()).toBe(false);
      const body = '{"topic":"a","data":1}';
      const head = [
        "POST /api/realtime/messages HTTP/1.1",
        `Host: ${new URL(service.url).host}`,
        `Authorization: Bearer ${ADMIN_KEY}`,
        "Content-Type: application/json",
        `Content-Length: ${body.length}`,
      ];
      raw.socket.write(`${head.join("\r\n")}\r\n\r\n${body}`);
      await raw.waitFor(/\r\n\r\n(HTTP\/1\.1 200 [\s\S]*\{"id":"[^"]+"\})/, "the publish's answer");
      expect(await service.stop()).toBe(0);
      await eventually(raw.isClosed, "the idle connection is closed");
    });
  });
}
