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
  return ip.includes(":") ? normalizeIPv6(ip) : isIPv4(ip) ? ip : undefined;
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
  const ip = normalizeAddress(address);
  if (ip === undefined) return address;
  if (!ip.includes(":")) return ip;
  const [start = [], end = []] = ip.split("::").map((part) => part.split(":").filter(Boolean));
  const zeros = Array<string>(8 - start.length - end.length).fill("0");
  return `${[...start, ...zeros, ...end].slice(0, 4).join(":")}::/64`;
}

/** Leading zeros are invalid, because some programs read such numbers as octal. */
function isIPv4(text: string): boolean {
  return (
    /^(?:(?:0|[1-9]\d{0,2})(?:\.|$)){4}$/.test(text) &&
    !text.endsWith(".") &&
    text.split(".").every((octet) => Number(octet) <= 255)
  );
}

/** A URL contains an IPv6 address in the form of RFC 5952, with hexadecimal digits in place of IPv4 notation. */
function normalizeIPv6(text: string): string | undefined {
  const ip = text.replace(/%[\w.~-]+$/, "");
  // The parser of URLs ignores tabs and line breaks.
  if (!/^[\da-f:.]+$/i.test(ip) || !URL.canParse(`http://[${ip}]`)) return undefined;
  const { hostname } = new URL(`http://[${ip}]`);
  const [, high, low] = /^\[::ffff:([\da-f]+):([\da-f]+)\]$/.exec(hostname) ?? [];
  if (high === undefined || low === undefined) return hostname.slice(1, -1);
  const octets = [high, low].flatMap((group) => {
    const number = Number.parseInt(group, 16);
    return [number >> 8, number & 255];
  });
  return octets.join(".");
}
