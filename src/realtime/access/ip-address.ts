/** A longer text is not an address: IPv6 takes up to 45 characters (RFC 4291), plus brackets, port and zone. */
const MAX_LENGTH = 100;

/**
 * Returns the canonical form of an address: all spellings of one address have the same form. IPv6 is written as in RFC 5952,
 * and an IPv4-mapped IPv6 address is written as IPv4. Port, brackets and zone (`%eth0`) are removed.
 *
 * @returns undefined when `text` is not an IP address.
 */
export function normalizeAddress(text: string): string | undefined {
  if (text.length > MAX_LENGTH) return undefined;
  const ip =
    /^\[([^\]]+)\](?::\d{1,5})?$/.exec(text)?.[1] ?? /^([\d.]+):\d{1,5}$/.exec(text)?.[1] ?? text;
  if (!ip.includes(":")) return octetsOf(ip) === undefined ? undefined : ip;
  const groups = groupsOf(ip);
  if (groups === undefined) return undefined;
  const [high = 0, low = 0] = groups.slice(6);
  const isMapped = groups[5] === 0xffff && groups.slice(0, 5).every((group) => group === 0);
  if (isMapped) return [high >> 8, high & 255, low >> 8, low & 255].join(".");
  return formatGroups(groups);
}

/**
 * Returns the network of an address: the IPv4 address itself, or the first 64 bits of an IPv6 address. Limits and
 * comparisons treat the network as one address, because one subscriber line usually has all IPv6 addresses with the same
 * first 64 bits. A text that is not an address is returned unchanged.
 *
 * @example
 * networkOf("2001:db8:1:2::a"); // "2001:db8:1:2::/64"
 */
export function networkOf(address: string): string {
  const ip = normalizeAddress(address) ?? address;
  const groups = ip.includes(":") ? groupsOf(ip) : undefined;
  return groups === undefined
    ? ip
    : `${groups
        .slice(0, 4)
        .map((group) => group.toString(16))
        .join(":")}::/64`;
}

/** The four numbers of an IPv4 address. Leading zeros are invalid, because some programs read such numbers as octal. */
function octetsOf(text: string): readonly number[] | undefined {
  if (!/^(?:(?:0|[1-9]\d{0,2})(?:\.|$)){4}$/.test(text) || text.endsWith(".")) return undefined;
  const octets = text.split(".").map(Number);
  return octets.every((octet) => octet <= 255) ? octets : undefined;
}

/** The eight 16-bit groups of an IPv6 address (RFC 4291, section 2.2). */
function groupsOf(text: string): readonly number[] | undefined {
  const ip = text.replace(/%[\w.~-]+$/, "");
  const [head = "", tail, ...more] = ip.split("::");
  if (more.length > 0) return undefined;
  const before = readGroups(head, tail === undefined);
  const after = tail === undefined ? [] : readGroups(tail, true);
  if (before === undefined || after === undefined) return undefined;
  const missing = 8 - before.length - after.length;
  // `::` stands for at least one group.
  if (tail === undefined ? missing !== 0 : missing < 1) return undefined;
  return [...before, ...Array<number>(missing).fill(0), ...after];
}

/** Reads groups separated by single colons. At the end of an address (`isEnd`), IPv4 notation may replace two groups. */
function readGroups(text: string, isEnd: boolean): readonly number[] | undefined {
  const groups: number[] = [];
  const parts = text === "" ? [] : text.split(":");
  for (const [index, part] of parts.entries()) {
    if (/^[\da-f]{1,4}$/i.test(part)) {
      groups.push(Number.parseInt(part, 16));
      continue;
    }
    const octets = isEnd && index === parts.length - 1 ? octetsOf(part) : undefined;
    if (octets === undefined) return undefined;
    const [a = 0, b = 0, c = 0, d = 0] = octets;
    groups.push(a * 256 + b, c * 256 + d);
  }
  return groups;
}

/**
 * Formats as in RFC 5952: lower case, no leading zeros, and `::` for the first of the longest runs of two or more zero
 * groups.
 */
function formatGroups(groups: readonly number[]): string {
  let start = -1;
  let length = 1;
  for (let index = 0; index < groups.length; index++) {
    let end = index;
    while (groups[end] === 0) end++;
    if (end - index > length) {
      start = index;
      length = end - index;
    }
  }
  const hex = groups.map((group) => group.toString(16));
  if (start === -1) return hex.join(":");
  return `${hex.slice(0, start).join(":")}::${hex.slice(start + length).join(":")}`;
}
