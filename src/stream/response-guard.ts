/** Methods of a response that resolve when its body has ended. */
const BODY_READERS = ["arrayBuffer", "blob", "bytes", "formData", "json", "text"] as const;

/**
 * Protects an endless response from middleware that treats it like any other response.
 *
 * `clone()` returns a response without a body. A copy of the body would split the stream, and everything that one half does
 * not read would be kept in memory without a limit. Middleware that hashes or logs bodies (Hono's `etag()`) sees an empty
 * body. The copy has `Cache-Control: no-store`, because a cache would otherwise store the empty response.
 *
 * @param onReadWhole Called when other code reads the whole body. Its promise does not resolve before the stream ends.
 */
export function guardBody(response: Response, onReadWhole: () => void): void {
  // Assignment fails on the Response of @hono/node-server 2.1: its methods are not writable.
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
