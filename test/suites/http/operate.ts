import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { VERSION } from "../../../src/realtime/version.ts";
import { ADMIN_KEY, call, publish } from "../../support/api.ts";
import { closeClients } from "../../support/clients.ts";
import { eventually } from "../../support/deadline.ts";
import { leftOut } from "../../support/flags.ts";
import { type RuntimeUnderTest, type Service, startService } from "../../support/service.ts";
import { openStream } from "../../support/sse-client.ts";

const admin = { Authorization: `Bearer ${ADMIN_KEY}` };

/** Routes for operators: readiness, metrics and the console. */
export function operateSuite(runtime: RuntimeUnderTest): void {
  describe("for operators", () => {
    let service: Service;
    beforeAll(async () => {
      service = await startService(runtime);
    });
    afterAll(async () => {
      closeClients();
      await service.stop();
    });

    // In workerd an object that one request created may not be used by another. The server outlives the first request.
    it("says that it is ready, to each of several requests", async () => {
      const ready = { code: 200, message: "API is ready.", data: { version: VERSION } };
      for (let request = 0; request < 3; request += 1) {
        const answer = await call(service.url, "/api/health/ready");
        expect([answer.status, answer.body]).toEqual([200, ready]);
      }
    });

    const metrics = "returns metrics in Prometheus' format, to the admin only";
    const onlyOne = runtime.perProcess && "a scrape shows the process that answers";
    it.skipIf(onlyOne)(leftOut(metrics, onlyOne), async () => {
      expect((await fetch(`${service.url}/metrics`)).status).toBe(401);
      const client = await openStream(service.url, {}, "?topic=measured");
      await publish(service.url, { topic: "measured", data: 1 });
      await client.receive(1);
      const read = async () => {
        const answer = await fetch(`${service.url}/metrics`, { headers: admin });
        expect(answer.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
        return answer.text();
      };
      const text = await eventually(async () => {
        const found = await read();
        return /^pocketwire_publish_latency_seconds_count 1$/m.test(found) ? found : undefined;
      }, "the publish is counted");
      for (const line of [
        "# TYPE pocketwire_build_info gauge",
        "# TYPE pocketwire_clients gauge",
        "pocketwire_clients 1",
        "pocketwire_connects_total 1",
        'pocketwire_disconnects_total{reason="slow"} 0',
        "pocketwire_messages_accepted_total 1",
        "pocketwire_deliveries_total 1",
        'pocketwire_publish_latency_seconds_bucket{le="+Inf"} 1',
        "pocketwire_history_messages 1",
      ]) {
        expect(text.split("\n")).toContain(line);
      }
      const name = runtime.name.toLowerCase();
      const isProcess = name !== "workerd";
      expect(text).toMatch(
        new RegExp(
          `^pocketwire_build_info\\{version="${VERSION}",runtime="${name}"${isProcess ? ',runtime_version="[\\d.]+"' : ""}\\} 1$`,
          "m",
        ),
      );
      // A Worker has no process.
      expect(text.includes("\nprocess_resident_memory_bytes ")).toBe(isProcess);
      expect(text.includes("\npocketwire_heap_limit_bytes ")).toBe(name === "node");
      // Every line is a comment or a sample with a number.
      for (const line of text.trimEnd().split("\n")) {
        expect(line).toMatch(/^(# (HELP|TYPE) \w+ .+|\w+(\{(?:\w+="[^"]*",?)+\})? [\d.e+-]+)$/);
      }
    });

    it.each([
      ["the console", "/", "Pocketwire console"],
      ["the page of the HTTP API", "/api/docs", "Pocketwire HTTP API"],
    ])(
      "serves %s, with a Content-Security-Policy that allows nothing else",
      async (_, path, title) => {
        const answer = await fetch(service.url + path);
        const policy = answer.headers.get("content-security-policy") ?? "";
        const nonce = /script-src 'nonce-([\w-]+)'/.exec(policy)?.[1];
        expect(answer.status).toBe(200);
        expect(policy).toContain("default-src 'none'");
        expect(answer.headers.get("content-type")).toBe("text/html; charset=UTF-8");
        expect(answer.headers.get("cache-control")).toBe("no-store");
        const page = await answer.text();
        expect(page).toContain(`<title>${title}</title>`);
        expect(page).toContain(`<script nonce="${nonce}">`);
        expect(page).not.toMatch(/(src|href)="(https?:)?\/\//);
      },
    );
  });

  describe("settings for operators", () => {
    it("turn off the console and the metrics, or make the metrics public", async () => {
      const closed = await startService(runtime, {
        env: { REALTIME_CONSOLE: "false", REALTIME_METRICS: "off" },
      });
      // The last one is the file that has the console on Workers.
      for (const path of ["/", "/api/docs", "/pocketwire-console.txt"]) {
        expect([path, (await fetch(closed.url + path)).status]).toEqual([path, 404]);
      }
      expect((await fetch(`${closed.url}/metrics`, { headers: admin })).status).toBe(404);
      const text = await (await fetch(closed.url)).text();
      expect(text).toBe("The console is off. To turn it on, set REALTIME_CONSOLE=true.\n");
      const other = await call(closed.url, "/api/docs");
      expect(other.body.message).toBe("There is nothing at this path.");
      await closed.stop();
      const open = await startService(runtime, { env: { REALTIME_METRICS: "open" } });
      expect((await fetch(`${open.url}/metrics`)).status).toBe(200);
      await open.stop();
    });
  });
}
