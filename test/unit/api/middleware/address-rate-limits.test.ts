import { describe, expect, it } from "vitest";
import { AddressRateLimits } from "../../../../src/api/middleware/address-rate-limits.ts";
import { RealtimeError } from "../../../../src/realtime/errors.ts";

describe("an address with as many pages as it may have", () => {
  const pages = Array.from({ length: 1000 }, (_, n) => `client-${n}`);
  const limits = () =>
    new AddressRateLimits({ connectsPerSecond: 1, maxClientsPerAddress: 1000, now: () => 0 });

  it("may open all of them at once, set their subscriptions, and still read the history", () => {
    const limited = limits();
    for (const page of pages) {
      limited.checkConnect("192.0.2.1");
      limited.addNewClient(page);
    }
    expect(() => limited.checkConnect("192.0.2.1")).toThrow(/limit of 1 streams per second/);
    for (const page of pages) limited.checkSubscribe("192.0.2.1", page);
    for (let n = 0; n < 10; n++) limited.checkHistoryRead("192.0.2.1");
    expect(() => limited.checkHistoryRead("192.0.2.1")).toThrow(/history reads per second/);
  });

  it("may set the subscriptions of a new client, although other clients have used up the rate", () => {
    const limited = limits();
    limited.addNewClient("new");
    for (let n = 0; n < 1000; n++) limited.checkSubscribe("192.0.2.1", "old");
    expect(() => limited.checkSubscribe("192.0.2.1", "old")).toThrow(
      /subscription requests per second/,
    );
    limited.checkSubscribe("192.0.2.1", "new");
    expect(() => limited.checkSubscribe("192.0.2.1", "new")).toThrow(RealtimeError);
    limited.addNewClient("gone");
    limited.removeClient("gone");
    expect(() => limited.checkSubscribe("192.0.2.1", "gone")).toThrow(RealtimeError);
  });
});
