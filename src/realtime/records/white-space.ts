/** Whether Go's `unicode.IsSpace` counts the code point as white space. JavaScript's `trim` differs in U+0085 and U+FEFF. */
export function isSpace(code: number): boolean {
  if (code <= 0x20) return code === 0x20 || (code >= 0x09 && code <= 0x0d);
  if (code < 0x1680) return code === 0x85 || code === 0xa0;
  return (
    code === 0x1680 ||
    (code >= 0x2000 && code <= 0x200a) ||
    code === 0x2028 ||
    code === 0x2029 ||
    code === 0x202f ||
    code === 0x205f ||
    code === 0x3000
  );
}

/**
 * Returns where the part of `text` from `start` to `end` begins and ends without the white space around it. Both are `end` if
 * there is nothing else.
 */
export function trimmedRange(text: string, start: number, end: number): [number, number] {
  let first = start;
  while (first < end && isSpace(text.charCodeAt(first))) first++;
  let last = end;
  while (last > first && isSpace(text.charCodeAt(last - 1))) last--;
  return first === last ? [end, end] : [first, last];
}
