import { describe, expect, it } from "vitest";
import { eventually } from "../../support/deadline.ts";
import type { RuntimeUnderTest } from "../../support/service.ts";
import { openStream } from "../../support/sse-client.ts";
import { bearer, signToken } from "../../support/tokens.ts";
import { accessWorld } from "./context.ts";

/** The delay of repeated refusals, which takes ten seconds. */
export function refusalDelayTests(runtime: RuntimeUnderTest): void {
  describe("refused subscriptions", () => {
    const target = accessWorld(runtime, {
      REALTIME_CONNECTS_PER_SECOND: "100",
      REALTIME_TRUSTED_PROXY_HEADER: "X-Real-IP",
    });

    it("are delayed for an address after five refusals, and accepted subscriptions are not", async () => {
      const headers = { "X-Real-IP": "192.0.2.3" };
      const foreign = bearer(await signToken({}, { key: "x".repeat(32) }));
      const { clientId } = await openStream(target.url, { headers });
      const send = () => target.subscribe(clientId, ["a"], { ...headers, ...foreign });
      for (let n = 0; n < 5; n++) expect((await send()).status).toBe(401);
      let answered: number | undefined;
      void send().then(
        ({ status }) => {
          answered = status;
        },
        () => {},
      );
      // Several round trips, in which an undelayed refusal would arrive.
      for (const key of ["b", "c", "d"]) {
        expect((await target.subscribe(clientId, [key], headers)).status).toBe(204);
      }
      expect(answered).toBeUndefined();
      await eventually(() => answered === 401, "the delayed request is refused", 20_000);
    });
  });
}
