/**
 * The `Last-Event-ID` that a browser sends when its stream breaks off after this text: WHATWG HTML, "Interpreting an event
 * stream". An id takes effect at the empty line that ends its block, whether or not that block is an event.
 */
export function lastEventIdOf(text: string): string | undefined {
  const blocks = text.split("\n\n").slice(0, -1);
  const ids = blocks.flatMap((block) =>
    block
      .split("\n")
      .filter((line) => line.startsWith("id: "))
      .map((line) => line.slice("id: ".length)),
  );
  return ids.at(-1);
}
