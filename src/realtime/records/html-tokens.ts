/** What `readHtml` reports its tokens to. */
export interface HtmlHandler {
  /** True as soon as the handler needs no more tokens. */
  readonly done: boolean;
  /** The text from `start` to `end`. `decode` is false if a "&" there is a literal character. */
  text(html: string, start: number, end: number, decode: boolean): void;
  /** A start tag; the name is in lower case. Returns whether the tag opened an element. */
  open(name: string, selfClosing: boolean): boolean;
  /** An end tag; the name is in lower case. */
  close(name: string): void;
}

/**
 * Splits HTML into texts and tags as the HTML standard's tokenizer does. Comments, doctypes and attributes are skipped; an
 * unfinished tag or comment at the end as well. Not implemented: escaped scripts (`<!--` in a script) and CDATA.
 *
 * Takes linear time: every search continues where the last one ended.
 */
export function readHtml(html: string, handler: HtmlHandler): void {
  let at = 0;
  while (at < html.length && !handler.done) {
    const found = html.indexOf("<", at);
    const start = found === -1 ? html.length : found;
    if (start > at) handler.text(html, at, start, true);
    at = found === -1 ? html.length : readMarkup(html, start, handler);
  }
}

const LETTER = /[a-zA-Z]/;
const SPACE_CODES = [0x09, 0x0a, 0x0c, 0x0d, 0x20];
const NAME_END = /[\t\n\f\r />]/g;
const ATTRIBUTE_NAME_END = /[\t\n\f\r />=]/g;
const VALUE_END = /[\t\n\f\r >]/g;
const COMMENT_END = /--!?>/g;

/**
 * Elements whose content is text, not markup. The value finds the end tag; null if there is none. A title or textarea has
 * character references.
 */
const RAW_TEXT: ReadonlyMap<string, RegExp | null> = new Map([
  ...[
    "iframe",
    "noembed",
    "noframes",
    "noscript",
    "script",
    "style",
    "textarea",
    "title",
    "xmp",
  ].map((name): [string, RegExp] => [name, new RegExp(`</${name}(?=[\\t\\n\\f\\r />])`, "gi")]),
  ["plaintext", null],
]);

/** Reads what starts with the "<" at `start`, and returns where the next token starts. */
function readMarkup(html: string, start: number, handler: HtmlHandler): number {
  const next = html.charAt(start + 1);
  if (LETTER.test(next)) return readStartTag(html, start, handler);
  if (next === "!") return endOfDeclaration(html, start);
  if (next === "?") return after(html, html.indexOf(">", start));
  const afterSlash = html.charAt(start + 2);
  if (next === "/" && LETTER.test(afterSlash)) return readEndTag(html, start, handler);
  if (next === "/" && afterSlash !== "") return after(html, html.indexOf(">", start));
  handler.text(html, start, start + 1, true);
  return start + 1;
}

function readStartTag(html: string, start: number, handler: HtmlHandler): number {
  const nameEnd = find(NAME_END, html, start + 1);
  const end = endOfTag(html, nameEnd);
  if (end === html.length) return end;
  const name = html.slice(start + 1, nameEnd).toLowerCase();
  const opened = handler.open(name, html.charAt(end - 1) === "/");
  const rawEnd = RAW_TEXT.get(name);
  if (!opened || rawEnd === undefined) return end + 1;
  const textEnd = rawEnd === null ? html.length : find(rawEnd, html, end + 1);
  handler.text(html, end + 1, textEnd, name === "title" || name === "textarea");
  return textEnd;
}

function readEndTag(html: string, start: number, handler: HtmlHandler): number {
  const nameEnd = find(NAME_END, html, start + 2);
  const end = endOfTag(html, nameEnd);
  if (end === html.length) return end;
  handler.close(html.slice(start + 2, nameEnd).toLowerCase());
  return end + 1;
}

/** Returns where the tag's ">" is, or the length of the HTML if there is none. A ">" in a quoted attribute does not count. */
function endOfTag(html: string, nameEnd: number): number {
  let at = nameEnd;
  for (;;) {
    while (html.charAt(at) === "/" || isSpaceAt(html, at)) at++;
    if (at >= html.length || html.charAt(at) === ">") return Math.min(at, html.length);
    at = skipSpaces(html, find(ATTRIBUTE_NAME_END, html, at + 1));
    if (html.charAt(at) !== "=") continue;
    at = skipSpaces(html, at + 1);
    const quote = html.charAt(at);
    if (quote === '"' || quote === "'") at = after(html, html.indexOf(quote, at + 1));
    else at = find(VALUE_END, html, at);
  }
}

function endOfDeclaration(html: string, start: number): number {
  if (!html.startsWith("<!--", start)) return after(html, html.indexOf(">", start));
  if (html.startsWith(">", start + 4)) return start + 5;
  if (html.startsWith("->", start + 4)) return start + 6;
  return after(html, html.indexOf(">", find(COMMENT_END, html, start + 4)));
}

/** Returns where the global expression matches next, or the length of the HTML if it does not. */
function find(expression: RegExp, html: string, at: number): number {
  expression.lastIndex = at;
  return expression.exec(html)?.index ?? html.length;
}

function after(html: string, index: number): number {
  return index === -1 ? html.length : index + 1;
}

function skipSpaces(html: string, at: number): number {
  let end = at;
  while (isSpaceAt(html, end)) end++;
  return end;
}

function isSpaceAt(html: string, at: number): boolean {
  return SPACE_CODES.includes(html.charCodeAt(at));
}
