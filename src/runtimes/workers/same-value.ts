/**
 * Whether two values are equal. Plain objects and arrays are compared by content, and functions by their source, because a
 * literal in a request handler is a new object for each request.
 */
export function isSameValue(one: unknown, other: unknown): boolean {
  if (Object.is(one, other)) return true;
  if (typeof one === "function" && typeof other === "function") return `${one}` === `${other}`;
  if (!isPlain(one) || !isPlain(other)) return false;
  return findDifference(one, other) === undefined;
}

/** Returns the name of the first property that differs. Undefined if there is none. */
export function findDifference(one: object, other: object): string | undefined {
  const ones = new Map<string, unknown>(Object.entries(one));
  const others = new Map<string, unknown>(Object.entries(other));
  const names = new Set([...ones.keys(), ...others.keys()]);
  return [...names].find((name) => !isSameValue(ones.get(name), others.get(name)));
}

function isPlain(value: unknown): value is object {
  if (typeof value !== "object" || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null || Array.isArray(value);
}
