/** A configured address for a log line or an error: without user name, password, query and fragment, which may be secrets. */
export function redactURL(url: string | URL): string {
  const { origin, pathname } = new URL(url);
  return origin + pathname;
}

/** What failed when an address was asked, without the secrets of the address: runtimes put it into some of their errors. */
export function redactError(error: unknown, url: string | URL): string {
  const { href } = new URL(url);
  return String(error).replaceAll(String(url), redactURL(url)).replaceAll(href, redactURL(url));
}
