/**
 * The blocks of a stream's text that end with an empty line and hold neither data nor `retry:`. The standard ignores such
 * a block; several readers dispatch an empty event for it, so the service must not write one.
 */
export function emptyBlocksIn(text: string): string[] {
  const blocks = text.split("\n\n").slice(0, -1);
  return blocks.filter((block) => !/^(data|retry): /m.test(block));
}
