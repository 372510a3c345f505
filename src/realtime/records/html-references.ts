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
function readWithoutSemicolon(text: string): HtmlReference | undefined {
  for (let length = Math.min(text.length, LONGEST_LEGACY); length > 1; length--) {
    const name = text.slice(0, length);
    const code = NAMED.get(name);
    if (code !== undefined && isLegacy(name, code)) return { code, length: length + 1 };
  }
  return undefined;
}

/** Whether a name needs no semicolon. */
function isLegacy(name: string, code: number): boolean {
  return code <= 0xff && name !== "apos";
}
const LONGEST_LEGACY = 6;

/** Code points and the names of the characters from there on. */
const NAMES =
  "34 quot 38 amp apos 60 lt 62 gt 160 nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy reg macr deg plusmn sup2 sup3 acute micro para middot cedil sup1 ordm raquo frac14 frac12 frac34 iquest Agrave Aacute Acirc Atilde Auml Aring AElig Ccedil Egrave Eacute Ecirc Euml Igrave Iacute Icirc Iuml ETH Ntilde Ograve Oacute Ocirc Otilde Ouml times Oslash Ugrave Uacute Ucirc Uuml Yacute THORN szlig agrave aacute acirc atilde auml aring aelig ccedil egrave eacute ecirc euml igrave iacute icirc iuml eth ntilde ograve oacute ocirc otilde ouml divide oslash ugrave uacute ucirc uuml yacute thorn yuml 338 OElig oelig 352 Scaron scaron 376 Yuml 402 fnof 710 circ 732 tilde 913 Alpha Beta Gamma Delta Epsilon Zeta Eta Theta Iota Kappa Lambda Mu Nu Xi Omicron Pi Rho 931 Sigma Tau Upsilon Phi Chi Psi Omega 945 alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigmaf sigma tau upsilon phi chi psi omega 977 thetasym upsih 982 piv 8194 ensp emsp 8201 thinsp 8204 zwnj zwj lrm rlm 8211 ndash mdash 8216 lsquo rsquo sbquo 8220 ldquo rdquo bdquo 8224 dagger Dagger bull 8230 hellip 8240 permil 8242 prime Prime 8249 lsaquo rsaquo 8254 oline 8260 frasl 8364 euro 8465 image 8472 weierp 8476 real 8482 trade 8501 alefsym 8592 larr uarr rarr darr harr 8629 crarr 8656 lArr uArr rArr dArr hArr 8704 forall 8706 part exist 8709 empty 8711 nabla isin notin 8715 ni 8719 prod 8721 sum minus 8727 lowast 8730 radic 8733 prop infin 8736 ang 8743 and or cap cup int 8756 there4 8764 sim 8773 cong 8776 asymp 8800 ne equiv 8804 le ge 8834 sub sup nsub 8838 sube supe 8853 oplus 8855 otimes 8869 perp 8901 sdot 8968 lceil rceil lfloor rfloor 9674 loz 9824 spades 9827 clubs 9829 hearts diams 10216 lang rang 34 QUOT 38 AMP 60 LT 62 GT 169 COPY 174 REG";

const NAMED = new Map(readNames());

function* readNames(): Generator<[string, number]> {
  let code = 0;
  for (const word of NAMES.split(" ")) {
    if (/^\d/.test(word)) code = Number(word);
    else yield [word, code++];
  }
}
