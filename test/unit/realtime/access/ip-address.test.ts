import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Capacity } from "../../../../src/realtime/access/capacity.ts";
import { networkOf, normalizeAddress } from "../../../../src/realtime/access/ip-address.ts";

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
    ["2001:db8:1:2:ffff::192.0.2.1", "2001:db8:1:2::/64"],
    ["unknown", "unknown"],
    ["1::2::3", "1::2::3"],
    ["a:b", "a:b"],
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
    ["2001:0DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
    ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
    ["0:0:0:0:0:0:0:0", "::"],
    ["1:0:0:0:0:0:0:0", "1::"],
    ["fe80::1%eth0", "fe80::1"],
    ["64:ff9b::192.0.2.33", "64:ff9b::c000:221"],
  ])("%s is written %s", (text, address) => {
    expect(normalizeAddress(text)).toBe(address);
    expect(normalizeAddress(address)).toBe(address);
  });

  it.each([
    ..."unknown,_hidden,,01.1.1.3,1.2.3,1.2.3.4.5,256.1.1.1,1.2.3.4.,1.2.3.-4, 1.2.3.4,0x7f.1,1".split(
      ",",
    ),
    ...":,:::,1::2::3,1:2:3:4:5:6:7,1:2:3:4:5:6:7:8:9,1:2:3:4:5:6:7::8,12345::,g::,::1.2.3,1.2.3.4::,::01.2.3.4".split(
      ",",
    ),
    ..."[::1,::1],[::1]:,[1.2.3.4]x,[::1]:123456,fe80::1%,1::%a b,::1/64,::1@b,::\n1,::\t1".split(
      ",",
    ),
    "1".repeat(15_000),
    "1:".repeat(15_000),
  ])("is not %s", (text) => {
    expect(normalizeAddress(text)).toBeUndefined();
  });

  it("of IPv6 has the form of RFC 5952, however it is written", () => {
    const group = fc.oneof(fc.constant(0), fc.constant(0), fc.integer({ min: 0, max: 0xffff }));
    const written = fc.tuple(fc.array(group, { minLength: 8, maxLength: 8 }), fc.boolean());
    fc.assert(
      fc.property(written, ([groups, isPadded]) => {
        const hex = groups.map((one) => one.toString(16).padStart(isPadded ? 4 : 1, "0"));
        const text = hex.join(":").toUpperCase();
        const wanted = formatGroups(groups);
        const isMapped = wanted.startsWith("::ffff:");
        if (!isMapped) expect(normalizeAddress(text)).toBe(wanted);
        expect(normalizeAddress(`[${wanted}]:1`)).toBe(normalizeAddress(text));
      }),
    );
  });
});

/** RFC 5952: lower case, no leading zeros, and `::` for the first of the longest runs of two or more zero groups. */
function formatGroups(groups: readonly number[]): string {
  const text = groups.map((group) => group.toString(16)).join(":");
  const runs = [...text.matchAll(/(?<![^:])0(?::0(?![^:]))+/g)];
  const [longest] = runs.toSorted((a, b) => b[0].length - a[0].length || a.index - b.index);
  if (longest === undefined) return text;
  const { index } = longest;
  const before = text.slice(0, Math.max(index - 1, 0));
  return `${before}::${text.slice(index + longest[0].length + 1)}`;
}

describe("the capacity for clients", () => {
  it("is so many in all, and free again when one leaves", () => {
    const capacity = new Capacity({ maxClients: 2 });
    capacity.enter("192.0.2.1");
    capacity.enter(undefined);
    expect(() => capacity.checkClient(undefined)).toThrow(/reached its limit of connected clients/);
    capacity.leave(undefined);
    capacity.checkClient(undefined);
  });

  it("is so many of one address, where a whole IPv6 network is one", () => {
    const capacity = new Capacity({ maxClientsPerAddress: 2 });
    capacity.enter("2001:db8::1");
    capacity.enter("2001:db8::2");
    expect(() => capacity.checkClient("2001:db8::3")).toThrow(
      /There are 2 streams from this address/,
    );
    capacity.checkClient("2001:db8:0:1::3");
    capacity.checkClient(undefined);
    capacity.leave("2001:db8::1");
    capacity.checkClient("2001:db8::3");
  });

  it.each([
    [1, /There is 1 stream from/],
    [2, /There are 2 streams from/],
  ])("says how many there are: %i", (maxClientsPerAddress, text) => {
    const capacity = new Capacity({ maxClientsPerAddress });
    for (let count = 0; count < maxClientsPerAddress; count++) capacity.enter("192.0.2.1");
    expect(() => capacity.checkClient("192.0.2.1")).toThrow(text);
  });

  it("is unlimited by default", () => {
    const capacity = new Capacity({});
    for (let count = 0; count < 1000; count++) capacity.enter("192.0.2.1");
    capacity.checkClient("192.0.2.1");
  });
});
