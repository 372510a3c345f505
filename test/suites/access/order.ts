import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { postJSON, publish } from "../../support/api.ts";
import { closeClients } from "../../support/clients.ts";
import { eventually } from "../../support/deadline.ts";
import { leftOut } from "../../support/flags.ts";
import { type JSONServer, startJSONServer } from "../../support/json-server.ts";
import { keepSecret } from "../../support/secrets.ts";
import { type RuntimeUnderTest, type Service, startService } from "../../support/service.ts";
import { openStream } from "../../support/sse-client.ts";
import { bearer, inSeconds } from "../../support/tokens.ts";

/** Requests of one client that overtake each other while an issuer is asked about their tokens. */
export function orderTests(runtime: RuntimeUnderTest): void {
  describe("two requests for one client while the older request waits for its issuer", () => {
    const slow = keepSecret("opaque-token-of-anna-that-is-slow");
    // The service asks once for requests with the same token that arrive while it waits for the answer.
    const slowLater = keepSecret("opaque-token-of-anna-that-is-slow-later");
    const fast = keepSecret("opaque-token-of-anna-that-is-fast");
    let issuer: JSONServer;
    let service: Service;
    let answerSlow = () => {};
    let asked = 0;
    beforeAll(async () => {
      issuer = await startJSONServer(async ({ headers }) => {
        if ([slow, slowLater].includes(headers.authorization ?? "")) {
          asked += 1;
          await new Promise<void>((resolve) => {
            answerSlow = resolve;
          });
        }
        return { body: { sub: "anna", exp: inSeconds(60) } };
      });
      service = await startService(runtime, {
        env: { REALTIME_INTROSPECT_URL: issuer.url, REALTIME_INTROSPECT_SECONDS: "0" },
      });
    });
    afterAll(async () => {
      closeClients();
      answerSlow();
      await service.stop();
      await issuer.close();
    });

    const post = (clientId: string, subscriptions: string[], token: string) =>
      postJSON(service.url, "/api/realtime", { clientId, subscriptions }, bearer(token));

    /** Waits until the issuer is asked about the request of `send`. */
    async function untilAsked(send: () => void): Promise<void> {
      const before = asked;
      send();
      await eventually(() => asked > before, "the issuer is asked about the older request");
    }

    const bothOfOne = "both are answered 204, and the newer request takes effect";
    const unordered =
      runtime.perProcess &&
      "two processes can't order requests that arrive within a few milliseconds";
    it.skipIf(unordered)(leftOut(bothOfOne, unordered), async () => {
      const { clientId, events } = await openStream(service.url);
      let older: ReturnType<typeof post> | undefined;
      await untilAsked(() => {
        older = post(clientId, ["a"], slow);
      });
      expect((await post(clientId, ["a", "b"], fast)).status).toBe(204);
      answerSlow();
      expect((await older)?.status).toBe(204);
      await publish(service.url, [
        { topic: "b", data: 1 },
        { topic: "a", data: 2 },
      ]);
      await eventually(() => events.some(({ data }) => data === "2"), "the second message");
      const heard = events.filter(({ event }) => event === "a" || event === "b");
      expect(heard.map(({ event }) => event)).toEqual(["b", "a"]);
    });

    const newer = "the newer request takes effect although the older one was aborted";
    it.skipIf(unordered)(leftOut(newer, unordered), async () => {
      const { clientId, events } = await openStream(service.url);
      const other = await openStream(service.url);
      const abort = new AbortController();
      await untilAsked(() => {
        const init = {
          method: "POST",
          headers: { "Content-Type": "application/json", ...bearer(slow) },
          body: JSON.stringify({ clientId, subscriptions: ["a"] }),
          signal: abort.signal,
        };
        fetch(`${service.url}/api/realtime`, init).catch(() => {});
      });
      abort.abort();
      expect((await post(clientId, ["a", "b"], fast)).status).toBe(204);
      answerSlow();
      // When a later slow request has been applied, the aborted one would have been applied as well.
      let last: ReturnType<typeof post> | undefined;
      await untilAsked(() => {
        last = post(other.clientId, ["a"], slowLater);
      });
      answerSlow();
      expect((await last)?.status).toBe(204);
      await publish(service.url, [
        { topic: "b", data: 1 },
        { topic: "a", data: 2 },
      ]);
      await eventually(() => events.some(({ data }) => data === "2"), "the second message");
      expect(events.some(({ event }) => event === "b")).toBe(true);
    });
  });
}
