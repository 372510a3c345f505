/**
 * An address as everybody writes it: without a port that a proxy adds, and IPv4 written as IPv6 is IPv4. Other text stands
 * for itself.
 */
export function plainAddress(text: string): string {
  const ip = /^\[(.+)\](?::\d+)?$/.exec(text)?.[1] ?? /^([\d.]+):\d+$/.exec(text)?.[1] ?? text;
  const [first, ...rest] = groupsOf(ip);
  const [, , , , mark, high = "", low = ""] = rest;
  if (mark !== "ffff" || first !== "0" || rest.slice(0, 4).some((group) => group !== "0"))
    return ip;
  const [upper, lower] = [Number.parseInt(high, 16), Number.parseInt(low, 16)];
  return [upper >> 8, upper & 255, lower >> 8, lower & 255].join(".");
}

/**
 * What counts as one address where clients are counted: an IPv4 address, or the first half of an IPv6 address, since
 * whoever has one of those has all 2^64 behind it.
 */
export function networkOf(address: string): string {
  const ip = plainAddress(address);
  return ip.includes(":") ? `${groupsOf(ip).slice(0, 4).join(":")}::/64` : ip;
}

/** The eight groups of an IPv6 address, without leading zeros; fewer of other text. RFC 4291, 2.2. */
function groupsOf(ip: string): string[] {
  if (!ip.includes(":")) return [];
  const dotted = /(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(ip);
  const hex = (high = "", low = "") => (Number(high) * 256 + Number(low)).toString(16);
  const last = dotted && `${hex(dotted[1], dotted[2])}:${hex(dotted[3], dotted[4])}`;
  const text = last === null ? ip : ip.slice(0, dotted?.index) + last;
  const [head = "", tail] = text.toLowerCase().replace(/%.*$/, "").split("::");
  const groups = head === "" ? [] : head.split(":");
  if (tail !== undefined) {
    const behind = tail === "" ? [] : tail.split(":");
    while (groups.length + behind.length < 8) groups.push("0");
    groups.push(...behind);
  }
  return groups.map((group) => group.replace(/^0+(?=.)/, ""));
}
