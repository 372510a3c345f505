/** Methods of a response that end when its body has ended. */
const BODY_READERS = ["arrayBuffer", "blob", "bytes", "formData", "json", "text"] as const;

/**
 * Guards a response without an end against code that treats it as any other.
 *
 * A copy (`clone()`) has no body: both halves of a split stream would have to be read, and what one of them does not take
 * waits in memory without a bound. Middleware that hashes or logs bodies (Hono's `etag()`) finds an empty one. A cache must not
 * keep the copy.
 *
 * @param onReadWhole Called when other code reads the body to its end.
 */
export function guardBody(response: Response, onReadWhole: () => void): void {
  // Defined, not assigned: node-server's Response has methods that can't be written to.
  const replace = (name: string, value: () => unknown) =>
    Object.defineProperty(response, name, { value });
  replace("clone", () => {
    const { status, headers } = response;
    const copy = new Response(null, { status, headers });
    copy.headers.set("Cache-Control", "no-store");
    return copy;
  });
  for (const name of BODY_READERS) {
    const read = response[name as "text"];
    replace(name, () => {
      onReadWhole();
      return Reflect.apply(read, response, []);
    });
  }
}
