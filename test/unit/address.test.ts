import { describe, expect, it } from "vitest";
import { networkOf, plainAddress } from "../../src/realtime/address.ts";
import { Capacity } from "../../src/realtime/capacity.ts";

describe("the network of an address", () => {
  it.each([
    ["192.0.2.1", "192.0.2.1"],
    ["::ffff:192.0.2.1", "192.0.2.1"],
    ["::FFFF:c000:0201", "192.0.2.1"],
    ["0:0:0:0:0:ffff:192.0.2.1", "192.0.2.1"],
    ["192.0.2.1:4711", "192.0.2.1"],
    ["[2001:db8:1:2::1]:4711", "2001:db8:1:2::/64"],
    ["64:ff9b::192.0.2.1", "64:ff9b:0:0::/64"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["2001:DB8:1:2::1", "2001:db8:1:2::/64"],
    ["2001:0db8:0001:0002:0000::1", "2001:db8:1:2::/64"],
    ["2001:db8::1", "2001:db8:0:0::/64"],
    ["::1", "0:0:0:0::/64"],
    ["::", "0:0:0:0::/64"],
    ["fe80::1%eth0", "fe80:0:0:0::/64"],
    ["1:2:3:4:5:6:7::", "1:2:3:4::/64"],
    ["unknown", "unknown"],
  ])("%s is %s", (ip, network) => {
    expect(networkOf(ip)).toBe(network);
  });
});

describe("an address", () => {
  it.each([
    ["192.0.2.1:4711", "192.0.2.1"],
    ["[2001:db8::1]:4711", "2001:db8::1"],
    ["[2001:db8::1]", "2001:db8::1"],
    ["2001:db8::1", "2001:db8::1"],
    ["::ffff:192.0.2.1", "192.0.2.1"],
    ["::ffff:c000:201", "192.0.2.1"],
    ["1::ffff:c000:201", "1::ffff:c000:201"],
    ["unknown", "unknown"],
    ["", ""],
  ])("%s is written %s", (text, address) => {
    expect(plainAddress(text)).toBe(address);
  });
});

describe("the room for clients", () => {
  it("is so many in all, and free again when one leaves", () => {
    const capacity = new Capacity({ maxClients: 2 });
    capacity.enter("192.0.2.1");
    capacity.enter(undefined);
    expect(() => capacity.check(undefined)).toThrow(/as many clients as it takes/);
    capacity.leave(undefined);
    capacity.check(undefined);
  });

  it("is so many of one address, where a whole IPv6 network is one", () => {
    const capacity = new Capacity({ maxClientsPerAddress: 2 });
    capacity.enter("2001:db8::1");
    capacity.enter("2001:db8::2");
    expect(() => capacity.check("2001:db8::3")).toThrow(/from this address/);
    capacity.check("2001:db8:0:1::3");
    capacity.check(undefined);
    capacity.leave("2001:db8::1");
    capacity.check("2001:db8::3");
  });

  it("has no end where nobody says so", () => {
    const capacity = new Capacity({});
    for (let count = 0; count < 1000; count++) capacity.enter("192.0.2.1");
    capacity.check("192.0.2.1");
  });
});
