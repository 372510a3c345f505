import { readReference } from "./html-references.ts";
import { type HtmlHandler, readHtml } from "./html-tokens.ts";
import { isSpace } from "./white-space.ts";

/**
 * Makes plain text from HTML as PocketBase's modifier `:excerpt` (tools/picker/excerpt_modifier.go).
 *
 * - A block element becomes a space. Elements such as `<b>`, `<a>`, `<span>` and `<br>` become nothing.
 * - Scripts, styles, images, forms and what `EXCLUDED` lists are left out with their content; comments too.
 * - Character references are decoded (`readReference` says which), and successive white space becomes one space.
 *
 * As in PocketBase, an element that starts after more than `max` + 2 bytes of UTF-8 is left out. A text whose characters have
 * several bytes can therefore be shorter than `max`.
 *
 * The result is text: it may contain "<" and must be escaped before it becomes part of HTML.
 *
 * Never throws. Takes time linear in the length of `html`. Elements that are nested correctly give PocketBase's text. Wrong
 * nesting is repaired more simply than in the HTML standard: text between the cells of a table stays where it is, for example.
 * The text ends where more than 512 elements are open at once.
 *
 * @param max Code points of the result, at least 1.
 * @param dots Whether "..." is appended to a text that is cut.
 */
export function excerpt(html: string, max: number, dots: boolean): string {
  const text = new ExcerptText(max);
  readHtml(html, new ExcerptReader(text, max + 2));
  return text.toString(dots);
}

const EXCLUDED = set(
  "head style script iframe embed applet object svg img picture dialog template button form textarea input select option",
);
const INLINE = set(
  "a abbr acronym b bdo big br cite code em i label q small span strong strike sub sup time",
);
/** The end tag of these elements closes no block that was opened inside the element. */
const PHRASING = new Set([...INLINE, ...set("del font ins kbd mark nobr s samp tt u var")]);
const VOID = set(
  "area base basefont bgsound br col embed hr img input keygen link meta param source track wbr",
);
/** The tags of the document itself. They open no element, wherever they are. */
const DOCUMENT = set("html head body frameset frame");
/** Before any other content, these belong to the head. */
const HEAD = set("base basefont bgsound link meta title noscript noframes style script template");
/** Ignored outside a table. */
const TABLE_PARTS = set("caption col colgroup tbody td tfoot th thead tr");
/** Their end tag may be missing: a start tag closes the open element of the same name, unless another block is between. */
const UNNESTED = set("button dd dt li option p tbody td tfoot th thead tr");
/** Maximum number of open elements. PocketBase's HTML parser refuses more. */
const MAX_OPEN = 512;

interface OpenElement {
  readonly name: string;
  readonly block: boolean;
  /** Whether the content is left out. */
  readonly hides: boolean;
  /** The end tag has been read, but blocks inside are open. */
  closed: boolean;
}

/** Keeps the open elements, and passes on the text and spaces that are to be shown. */
class ExcerptReader implements HtmlHandler {
  readonly #text: ExcerptText;
  readonly #maxBytes: number;
  readonly #open: OpenElement[] = [];
  /** How many elements of a name are open. */
  readonly #counts = new Map<string, number>();
  /** How many open elements hide their content. */
  #hiding = 0;
  #inHead = true;
  #tooDeep = false;

  constructor(text: ExcerptText, maxBytes: number) {
    this.#text = text;
    this.#maxBytes = maxBytes;
  }

  get done(): boolean {
    return this.#tooDeep || this.#text.full;
  }

  text(html: string, start: number, end: number, decode: boolean): void {
    if (this.#hiding > 0) return;
    for (let at = start; at < end && !this.#text.full; ) {
      const code = html.codePointAt(at) ?? 0;
      const reference = decode && code === AMPERSAND ? readReference(html, at) : undefined;
      this.#text.add(reference?.code ?? code);
      at += reference?.length ?? (code > 0xffff ? 2 : 1);
    }
    if (!this.#text.afterSpace) this.#inHead = false;
  }

  open(name: string, selfClosing: boolean): boolean {
    if (name === "body" || !(HEAD.has(name) || DOCUMENT.has(name))) this.#inHead = false;
    if (this.#isIgnored(name)) return false;
    if (UNNESTED.has(name) && this.#isOpen(name)) this.#closeSame(name);
    const excluded = this.#inHead || EXCLUDED.has(name);
    const block = !excluded && !INLINE.has(name);
    if (block) this.#space();
    if (VOID.has(name) || (selfClosing && this.#isForeign(name))) return false;
    this.#tooDeep = this.#open.length === MAX_OPEN;
    if (this.#tooDeep) return false;
    const hides = excluded || this.#text.bytes > this.#maxBytes;
    this.#open.push({ name, block, hides, closed: false });
    this.#count(name, 1);
    if (hides) this.#hiding++;
    return true;
  }

  close(name: string): void {
    if (name === "body" || name === "html" || name === "br") this.#inHead = false;
    if (this.#isOpen(name)) this.#closeOpen(name);
    // The HTML standard makes an empty paragraph of </p> without <p>.
    else if (name === "p") this.#space();
  }

  #closeSame(name: string): void {
    for (let index = this.#open.length - 1; index >= 0; index--) {
      const element = this.#open[index];
      if (element === undefined || element.closed) continue;
      if (element.name === name) {
        this.#closeOpen(name);
        return;
      }
      if (element.hides || (element.block && !UNNESTED.has(element.name))) return;
    }
  }

  #closeOpen(name: string): void {
    let index = this.#open.length - 1;
    let blocks = 0;
    for (let above = this.#open[index]; above !== undefined; above = this.#open[--index]) {
      if (above.name === name && !above.closed) break;
      if (above.block) blocks++;
    }
    if (PHRASING.has(name) && blocks > 0) this.#closed(this.#open[index]);
    else while (this.#open.length > index) this.#closed(this.#open.pop());
  }

  #closed(element: OpenElement | undefined): void {
    if (element === undefined || element.closed) return;
    element.closed = true;
    this.#count(element.name, -1);
    if (element.hides) this.#hiding--;
    if (element.block) this.#space();
  }

  #space(): void {
    if (this.#hiding === 0) this.#text.add(SPACE);
  }

  #isIgnored(name: string): boolean {
    if (DOCUMENT.has(name)) return true;
    if (TABLE_PARTS.has(name)) return !this.#isOpen("table");
    return name === "form" && this.#isOpen("form");
  }

  /** SVG and MathML have self-closing tags; HTML has not. */
  #isForeign(name: string): boolean {
    return name === "svg" || name === "math" || this.#isOpen("svg") || this.#isOpen("math");
  }

  #isOpen(name: string): boolean {
    return this.#counts.has(name);
  }

  #count(name: string, change: 1 | -1): void {
    const count = (this.#counts.get(name) ?? 0) + change;
    if (count === 0) this.#counts.delete(name);
    else this.#counts.set(name, count);
  }
}

const SPACE = 0x20;
const AMPERSAND = 0x26;

/** Collects the text of an excerpt: collapses white space, and stops at the limit. */
class ExcerptText {
  readonly #max: number;
  #text = "";
  #length = 0;
  /** Bytes of UTF-8 that PocketBase would have written. The first one is a space for the element `html`. */
  bytes = 1;
  afterSpace = true;
  /** Whether the text is longer than the limit. */
  full = false;

  constructor(max: number) {
    this.#max = max;
  }

  add(code: number): void {
    if (code === 0) return;
    const space = code === SPACE || (code >= 0x09 && code <= 0x0d && code !== 0x0b);
    if (space && this.afterSpace) return;
    this.afterSpace = space;
    this.bytes += bytesOf(code);
    // White space of Unicode is trimmed from both ends. Inside the text, only white space of HTML is collapsed.
    const trimmable = isSpace(code);
    if (this.#length === this.#max) this.full ||= !trimmable;
    else if (this.#length > 0 || !trimmable) {
      this.#text += space ? " " : String.fromCodePoint(code);
      this.#length++;
    }
  }

  toString(dots: boolean): string {
    let end = this.#text.length;
    while (end > 0 && isSpace(this.#text.charCodeAt(end - 1))) end--;
    return this.#text.slice(0, end) + (this.full && dots ? "..." : "");
  }
}

function bytesOf(code: number): number {
  if (code < 0x80) return 1;
  if (code < 0x800) return 2;
  return code < 0x10000 ? 3 : 4;
}

function set(names: string): ReadonlySet<string> {
  return new Set(names.split(" "));
}
