/**
 * A configured URL for a log line or an error: without user name, password, query and fragment, which may be secrets.
 *
 * @throws TypeError when `url` is not a valid URL.
 */
export function redactURL(url: string | URL): string {
  const { origin, pathname } = new URL(url);
  return origin + pathname;
}

/** The text of a fetch error with the URL redacted. Some runtimes put the whole URL into the message. */
export function redactError(error: unknown, url: string | URL): string {
  const { href } = new URL(url);
  return String(error).replaceAll(String(url), redactURL(url)).replaceAll(href, redactURL(url));
}
