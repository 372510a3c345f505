/** The methods of a response that read its whole body. */
const BODY_READERS = ["arrayBuffer", "blob", "bytes", "formData", "json", "text"] as const;

/**
 * Protects an endless response from middleware that treats it like any other response.
 *
 * `clone()` returns a response without a body. A real copy would split the stream into two branches, and the bytes that one
 * branch does not read would be kept in memory without a limit. Middleware that hashes or logs bodies (Hono's `etag()`) sees
 * an empty body. The copy has `Cache-Control: no-store`, because a cache would otherwise store the empty response.
 *
 * @param onReadWhole Called when other code reads the whole body. The promise of that code resolves only when the stream ends.
 */
export function guardBody(response: Response, onReadWhole: () => void): void {
  // `defineProperty`, because the methods of @hono/node-server 2.1's Response are not writable.
  const replace = (name: string, value: () => unknown) =>
    Object.defineProperty(response, name, { value });
  replace("clone", () => {
    const { status, headers } = response;
    const copy = new Response(null, { status, headers });
    copy.headers.set("Cache-Control", "no-store");
    return copy;
  });
  for (const name of BODY_READERS) {
    const read = response[name];
    replace(name, () => {
      onReadWhole();
      return Reflect.apply(read, response, []);
    });
  }
}
