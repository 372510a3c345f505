/** `pocketwire/client` in Node against a service on each runtime. */
import { afterAll, afterEach, beforeAll, describe } from "vitest";
import { createClientWorld } from "../support/client-world.ts";
import { closeClients } from "../support/clients.ts";
import type { RuntimeUnderTest } from "../support/service.ts";
import { JWT_SECRET } from "../support/tokens.ts";
import { closingTests } from "./client/closing.ts";
import { errorsTests } from "./client/errors.ts";
import { gapTests } from "./client/gap.ts";
import { opaqueTokensTests } from "./client/opaque-tokens.ts";
import { presenceTests } from "./client/presence.ts";
import { publishTests } from "./client/publish.ts";
import { subscribeTests } from "./client/subscribe.ts";
import { tokensTests } from "./client/tokens.ts";

export function clientSuite(runtime: RuntimeUnderTest): void {
  describe(`pocketwire/client on ${runtime.name}`, () => {
    const world = createClientWorld(runtime, {
      REALTIME_JWT_SECRET: JWT_SECRET,
      REALTIME_TOPICS: JSON.stringify([{ match: "team/*", presence: true }]),
      REALTIME_PRESENCE_GRACE_SECONDS: "1",
    });
    beforeAll(world.start);
    afterEach(closeClients);
    afterAll(() => world.stop());
    subscribeTests(world);
    publishTests(world);
    presenceTests(world);
    errorsTests(world);
    tokensTests(world);
    closingTests(world);
    opaqueTokensTests(runtime);
    gapTests(runtime);
  });
}
