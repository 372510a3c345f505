/** A character reference, decoded. */
export interface HtmlReference {
  readonly code: number;
  /** Number of UTF-16 code units that the reference takes up. */
  readonly length: number;
}

/**
 * Decodes the character reference that starts at `html[at]`, a "&". Returns undefined if the "&" is a literal character.
 *
 * Numeric references are decoded as the HTML standard says: 0, surrogates and numbers beyond U+10FFFF become U+FFFD, and 0x80 to
 * 0x9F mean Windows-1252. The named references are the 252 of HTML 4 (among them `&nbsp;`, `&eacute;`, `&alpha;` and `&mdash;`)
 * and `&apos;`. Latin-1 names and `amp`, `lt`, `gt` and `quot` do without the semicolon. Any other name before a semicolon stays
 * as it is: PocketBase decodes all names of HTML 5, but their table has about 30 kB.
 */
export function readReference(html: string, at: number): HtmlReference | undefined {
  REFERENCE.lastIndex = at;
  const match = REFERENCE.exec(html);
  if (match === null) return undefined;
  const [whole, number, name = ""] = match;
  const isNumber = number !== undefined;
  if (!isNumber && !whole.endsWith(";")) return readWithoutSemicolon(name);
  const code = isNumber ? validCode(Number(`0${number}`)) : NAMED.get(name);
  return code === undefined ? undefined : { code, length: whole.length };
}

const REFERENCE = /&(?:#(x[0-9a-f]+|\d+)|([a-z][a-z0-9]*));?/iy;

/** What 0x80 to 0x9F stand for. */
const WINDOWS_1252 = "€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ";

function validCode(code: number): number {
  if (code >= 0x80 && code <= 0x9f) return WINDOWS_1252.charCodeAt(code - 0x80);
  if (code === 0 || (code >= 0xd800 && code <= 0xdfff) || code > 0x10ffff) return 0xfffd;
  return code;
}

const LONGEST_LEGACY = 6;

/** `&notit` is "¬" and "it": the longest name at the start counts. Only characters of Latin-1 need no semicolon. */
function readWithoutSemicolon(text: string): HtmlReference | undefined {
  for (let length = Math.min(text.length, LONGEST_LEGACY); length > 1; length--) {
    const name = text.slice(0, length);
    const code = NAMED.get(name);
    if (code !== undefined && code <= 0xff && name !== "apos") return { code, length: length + 1 };
  }
  return undefined;
}

/** Accents: their name, the combining character, and the letters that have one, in both cases. */
const ACCENTS = [
  ["grave", "\u0300", "AEIOU"],
  ["acute", "\u0301", "AEIOUY"],
  ["circ", "\u0302", "AEIOU"],
  ["tilde", "\u0303", "ANO"],
  ["uml", "\u0308", "AEIOUY"],
  ["ring", "\u030a", "A"],
  ["caron", "\u030c", "S"],
  ["cedil", "\u0327", "C"],
] as const;

/** The Greek letters from U+03B1. The capital letters are 32 before, and final sigma has none. */
const GREEK =
  "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigmaf sigma tau upsilon phi chi psi omega";

/**
 * The names of the other characters, by code point. A number is the distance to the next character that has a name, and -1 is
 * the same character again.
 */
const NAMES =
  "34 quot -1 QUOT 3 amp -1 AMP apos 20 lt -1 LT 1 gt -1 GT 97 nbsp iexcl cent pound curren yen brvbar sect uml copy -1 COPY ordf laquo not shy reg -1 REG macr deg plusmn sup2 sup3 acute micro para middot cedil sup1 ordm raquo frac14 frac12 frac34 iquest 6 AElig 9 ETH 6 times Oslash 5 THORN szlig 6 aelig 9 eth 6 divide oslash 5 thorn 83 OElig oelig 62 fnof 307 circ 21 tilde 244 thetasym upsih 3 piv 7211 ensp emsp 5 thinsp 2 zwnj zwj lrm rlm 3 ndash mdash 3 lsquo rsquo sbquo 1 ldquo rdquo bdquo 1 dagger Dagger bull 3 hellip 9 permil 1 prime Prime 5 lsaquo rsaquo 3 oline 5 frasl 103 euro 100 image 6 weierp 3 real 5 trade 18 alefsym 90 larr uarr rarr darr harr 32 crarr 26 lArr uArr rArr dArr hArr 43 forall 1 part exist 1 empty 1 nabla isin notin 1 ni 3 prod 1 sum minus 4 lowast 2 radic 2 prop infin 1 ang 6 and or cap cup int 8 there4 7 sim 8 cong 2 asymp 23 ne equiv 2 le ge 28 sub sup nsub 1 sube supe 13 oplus 1 otimes 13 perp 31 sdot 66 lceil rceil lfloor rfloor 702 loz 149 spades 2 clubs 1 hearts diams 385 lang rang";

const NAMED = new Map(readNames());

function* readNames(): Generator<[string, number]> {
  let code = 0;
  for (const word of NAMES.split(" ")) {
    if (/^-?\d/.test(word)) code += Number(word);
    else yield [word, code++];
  }
  for (const [index, name] of GREEK.split(" ").entries()) {
    yield [name, 945 + index];
    if (name !== "sigmaf") yield [name.charAt(0).toUpperCase() + name.slice(1), 913 + index];
  }
  for (const [accent, mark, letters] of ACCENTS) {
    for (const letter of letters + letters.toLowerCase()) {
      yield [letter + accent, (letter + mark).normalize().charCodeAt(0)];
    }
  }
}
