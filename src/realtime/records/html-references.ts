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
 * and `&apos;`. Latin-1 names and `amp`, `lt`, `gt` and `quot` do without the semicolon. The other names of HTML 5 stay as they
 * are: PocketBase decodes them, but their table has about 30 kB.
 */
export function readReference(html: string, at: number): HtmlReference | undefined {
  REFERENCE.lastIndex = at;
  const match = REFERENCE.exec(html);
  if (match === null) return undefined;
  const [whole, hex, decimal, name = ""] = match;
  if (hex !== undefined) {
    return { code: validCode(Number.parseInt(hex, 16)), length: whole.length };
  }
  if (decimal !== undefined) {
    return { code: validCode(Number.parseInt(decimal, 10)), length: whole.length };
  }
  if (whole.endsWith(";")) {
    const code = NAMED.get(name);
    return code === undefined ? undefined : { code, length: whole.length };
  }
  return readWithoutSemicolon(name);
}

const REFERENCE = /&(?:#[xX]([0-9a-fA-F]+);?|#([0-9]+);?|([a-zA-Z][a-zA-Z0-9]*);?)/y;

/** What 0x80 to 0x9F stand for. */
const WINDOWS_1252 = "€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ";

function validCode(code: number): number {
  if (code >= 0x80 && code <= 0x9f) return WINDOWS_1252.charCodeAt(code - 0x80);
  if (code === 0 || (code >= 0xd800 && code <= 0xdfff) || code > 0x10ffff) return 0xfffd;
  return code;
}

/** `&notit` is "¬" and "it": the longest name at the start counts. */
function readWithoutSemicolon(name: string): HtmlReference | undefined {
  for (let length = Math.min(name.length, LONGEST_LEGACY); length > 1; length--) {
    const code = LEGACY.get(name.slice(0, length));
    if (code !== undefined) return { code, length: length + 1 };
  }
  return undefined;
}

/** Names of successive code points. */
const LATIN_1 =
  "nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy reg macr deg plusmn sup2 sup3 acute micro para middot cedil sup1 ordm raquo frac14 frac12 frac34 iquest Agrave Aacute Acirc Atilde Auml Aring AElig Ccedil Egrave Eacute Ecirc Euml Igrave Iacute Icirc Iuml ETH Ntilde Ograve Oacute Ocirc Otilde Ouml times Oslash Ugrave Uacute Ucirc Uuml Yacute THORN szlig agrave aacute acirc atilde auml aring aelig ccedil egrave eacute ecirc euml igrave iacute icirc iuml eth ntilde ograve oacute ocirc otilde ouml divide oslash ugrave uacute ucirc uuml yacute thorn yuml";
const GREEK_CAPITALS =
  "Alpha Beta Gamma Delta Epsilon Zeta Eta Theta Iota Kappa Lambda Mu Nu Xi Omicron Pi Rho - Sigma Tau Upsilon Phi Chi Psi Omega";
const GREEK =
  "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigmaf sigma tau upsilon phi chi psi omega";
/** Name and hexadecimal code point. */
const ASCII = "quot:22 amp:26 lt:3c gt:3e QUOT:22 AMP:26 LT:3c GT:3e COPY:a9 REG:ae";
const OTHERS =
  "apos:27 OElig:152 oelig:153 Scaron:160 scaron:161 Yuml:178 fnof:192 circ:2c6 tilde:2dc thetasym:3d1 upsih:3d2 piv:3d6 ensp:2002 emsp:2003 thinsp:2009 zwnj:200c zwj:200d lrm:200e rlm:200f ndash:2013 mdash:2014 lsquo:2018 rsquo:2019 sbquo:201a ldquo:201c rdquo:201d bdquo:201e dagger:2020 Dagger:2021 bull:2022 hellip:2026 permil:2030 prime:2032 Prime:2033 lsaquo:2039 rsaquo:203a oline:203e frasl:2044 euro:20ac image:2111 weierp:2118 real:211c trade:2122 alefsym:2135 larr:2190 uarr:2191 rarr:2192 darr:2193 harr:2194 crarr:21b5 lArr:21d0 uArr:21d1 rArr:21d2 dArr:21d3 hArr:21d4 forall:2200 part:2202 exist:2203 empty:2205 nabla:2207 isin:2208 notin:2209 ni:220b prod:220f sum:2211 minus:2212 lowast:2217 radic:221a prop:221d infin:221e ang:2220 and:2227 or:2228 cap:2229 cup:222a int:222b there4:2234 sim:223c cong:2245 asymp:2248 ne:2260 equiv:2261 le:2264 ge:2265 sub:2282 sup:2283 nsub:2284 sube:2286 supe:2287 oplus:2295 otimes:2297 perp:22a5 sdot:22c5 lceil:2308 rceil:2309 lfloor:230a rfloor:230b lang:27e8 rang:27e9 loz:25ca spades:2660 clubs:2663 hearts:2665 diams:2666";

/** The names that need no semicolon. */
const LEGACY = new Map([...successive(0xa0, LATIN_1), ...pairs(ASCII)]);
const LONGEST_LEGACY = 6;
const NAMED = new Map([
  ...LEGACY,
  ...successive(0x391, GREEK_CAPITALS),
  ...successive(0x3b1, GREEK),
  ...pairs(OTHERS),
]);

function successive(first: number, names: string): [string, number][] {
  return names.split(" ").map((name, index) => [name, first + index]);
}

function pairs(list: string): [string, number][] {
  return list.split(" ").map((pair) => {
    const [name = "", code = ""] = pair.split(":");
    return [name, Number.parseInt(code, 16)];
  });
}
