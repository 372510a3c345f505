/** A value as SQLite sees it. Booleans are 1 and 0; lists and objects are their JSON text. */
export type Value = null | number | string;

/**
 * How SQLite converts the other side of a comparison ("Type Affinity" in https://sqlite.org/datatype3.html): `numeric` for
 * number and boolean columns, `text` for text columns, `none` for everything else.
 */
export type Affinity = "numeric" | "text" | "none";

const MAX_SQLITE_INTEGER = 2 ** 63;

/** Returns a number that SQLite reads from a text, or undefined if the text as a whole is not a number. */
export function numberFrom(text: string): number | undefined {
  return /^[ \t\n\v\f\r]*[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?[ \t\n\v\f\r]*$/i.test(text)
    ? Number(text)
    : undefined;
}

/**
 * Returns the text to which SQLite converts a number.
 *
 * @param isReal Whether SQLite stores the number as a real although it is integral: `1` becomes `1.0`.
 */
export function textOfNumber(value: number, isReal: boolean): string {
  const isInteger = Number.isInteger(value) && Math.abs(value) < MAX_SQLITE_INTEGER;
  return isInteger && !isReal ? BigInt(value).toString() : textOfReal(value);
}

/** Returns the text of a value: null stays null. */
export function textOf(value: Value, isReal: boolean): string | null {
  return typeof value === "number" ? textOfNumber(value, isReal) : value;
}

/** Formats as SQLite's `%!.17g` does for a real. */
function textOfReal(value: number): string {
  if (!Number.isFinite(value)) return value > 0 ? "Inf" : "-Inf";
  const [mantissa = "0", exponentText = "0"] = digitsOf(value).split("e");
  const exponent = Number(exponentText);
  const sign = mantissa.startsWith("-") ? "-" : "";
  const digits = mantissa.replace(/[-.]/g, "").replace(/0+$/, "") || "0";
  if (exponent < -4 || exponent > 16) {
    const power = String(Math.abs(exponent)).padStart(2, "0");
    return `${sign}${digits[0]}.${digits.slice(1) || "0"}e${exponent < 0 ? "-" : "+"}${power}`;
  }
  if (exponent < 0) return `${sign}0.${"0".repeat(-exponent - 1)}${digits}`;
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, "0");
  return `${sign}${whole}.${digits.slice(exponent + 1) || "0"}`;
}

/** Returns the digits in exponential notation: 17, or fewer where SQLite recognises a number with at most 14. */
function digitsOf(value: number): string {
  // SQLite computes 18 digits and rounds them to 17, so 1/3 becomes 0.33333333333333332.
  const [mantissa = "", exponent] = value.toExponential(17).split("e");
  const rounded = (BigInt(mantissa.replace(/[-.]/g, "")) + 5n) / 10n;
  const digits = rounded.toString().padStart(17, "0");
  // SQLite tries 14 digits only if the last of the 17 digits are zeros or nines.
  const mayBeShort = /^(?:.{13}000|.{14}99)/.test(digits);
  const short = value.toExponential(13);
  if (mayBeShort && Number(short) === value) return short;
  // Rounding up may have added a digit: 9.99… becomes 10.
  const shift = digits.length - 17;
  const sign = value < 0 ? "-" : "";
  return `${sign}${digits[0]}.${digits.slice(1)}e${Number(exponent) + shift}`;
}

/** Compares as SQLite compares UTF-8 bytes, which is the order of code points. */
export function compareTexts(a: string, b: string): number {
  if (a === b) return 0;
  const length = Math.min(a.length, b.length);
  let index = 0;
  while (index < length && a.charCodeAt(index) === b.charCodeAt(index)) index += 1;
  if (index === length) return a.length - b.length;
  return codePointRank(a.charCodeAt(index)) - codePointRank(b.charCodeAt(index));
}

/** Moves surrogates, which stand for the code points from U+10000, behind all other UTF-16 code units. */
function codePointRank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}

/** Lowers ASCII letters only, as SQLite's `lower` and `LIKE` do. */
export function lowerASCII(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

/** JSON text of a list or object. PocketBase encodes it with Go's `json.Marshal`, which escapes these characters. */
export function jsonText(value: object): string {
  return JSON.stringify(value).replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** Converts a value of JSON as SQLite's `json_extract` does. */
export function valueOfJSON(json: unknown): Value {
  if (typeof json === "string" || typeof json === "number") return json;
  if (typeof json === "boolean") return json ? 1 : 0;
  return typeof json === "object" && json !== null ? jsonText(json) : null;
}
