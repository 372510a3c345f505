/**
 * SHA-256 (FIPS 180-4). Implemented here because the Web Crypto API has only an asynchronous hash, and not every runtime has
 * `node:crypto`.
 */

/** The first 32 bits of the fractional parts of the cube roots of the first 64 primes (FIPS 180-4, 4.2.2). */
const ROUND_CONSTANTS = fractionsOfRoots(64, 3);
/** The first 32 bits of the fractional parts of the square roots of the first 8 primes (FIPS 180-4, 5.3.3). */
const INITIAL = fractionsOfRoots(8, 2);

/** The message schedule. Its first 16 words are the block of 64 bytes. */
const schedule = new Int32Array(64);
const state = new Int32Array(8);

/**
 * Returns the first 128 bits of the SHA-256 hash of a text's UTF-16 code units (big-endian), as 32 hexadecimal digits. In
 * practice, an attacker can't find two texts with the same hash.
 */
export function hashText(text: string): string {
  state.set(INITIAL);
  // The padding is a bit 1, zeros, and the length in bits in the last 8 bytes.
  const words = Math.ceil((text.length * 2 + 9) / 64) * 16;
  for (let from = 0; from < words; from += 16) {
    for (let index = 0; index < 16; index++) {
      const first = (from + index) * 2;
      schedule[index] = (codeUnit(text, first) << 16) | codeUnit(text, first + 1);
    }
    // One word is enough for the length: texts are shorter than 2^28 code units.
    if (from + 16 === words) schedule[15] = text.length * 16;
    addBlock();
  }
  let digits = "";
  for (let index = 0; index < 4; index++) {
    // The cast tells the compiler that the index is within `state`.
    digits += ((state[index] as number) >>> 0).toString(16).padStart(8, "0");
  }
  return digits;
}

/** Returns the code unit at an index. After the text come the bit 1 and the zeros of the padding. */
function codeUnit(text: string, index: number): number {
  if (index < text.length) return text.charCodeAt(index);
  return index === text.length ? 0x8000 : 0;
}

/**
 * Adds the block in `schedule` to `state`. The casts tell the compiler that all indices are within the arrays. A check of each
 * word instead would slow the hash down.
 */
function addBlock(): void {
  const w = schedule;
  for (let t = 16; t < 64; t++) {
    const early = w[t - 15] as number;
    const late = w[t - 2] as number;
    const s0 = rotateRight(early, 7) ^ rotateRight(early, 18) ^ (early >>> 3);
    const s1 = rotateRight(late, 17) ^ rotateRight(late, 19) ^ (late >>> 10);
    w[t] = (w[t - 16] as number) + s0 + (w[t - 7] as number) + s1;
  }
  const before = state as unknown as EightWords;
  let a = before[0];
  let b = before[1];
  let c = before[2];
  let d = before[3];
  let e = before[4];
  let f = before[5];
  let g = before[6];
  let h = before[7];
  for (let t = 0; t < 64; t++) {
    const choice = (e & f) ^ (~e & g);
    const s1 = rotateRight(e, 6) ^ rotateRight(e, 11) ^ rotateRight(e, 25);
    const t1 = (h + s1 + choice + (ROUND_CONSTANTS[t] as number) + (w[t] as number)) | 0;
    const majority = (a & b) ^ (a & c) ^ (b & c);
    const t2 = (rotateRight(a, 2) ^ rotateRight(a, 13) ^ rotateRight(a, 22)) + majority;
    h = g;
    g = f;
    f = e;
    e = (d + t1) | 0;
    d = c;
    c = b;
    b = a;
    a = (t1 + t2) | 0;
  }
  before[0] += a;
  before[1] += b;
  before[2] += c;
  before[3] += d;
  before[4] += e;
  before[5] += f;
  before[6] += g;
  before[7] += h;
}

type EightWords = [number, number, number, number, number, number, number, number];

function rotateRight(word: number, bits: number): number {
  return (word >>> bits) | (word << (32 - bits));
}

/** Returns the first 32 bits of the fractional parts of the square (2) or cube (3) roots of the first primes. */
function fractionsOfRoots(count: number, root: 2 | 3): readonly number[] {
  const found: number[] = [];
  for (let number = 2; found.length < count; number++) {
    if (!isPrime(number)) continue;
    const value = root === 2 ? Math.sqrt(number) : Math.cbrt(number);
    found.push(((value - Math.floor(value)) * 2 ** 32) | 0);
  }
  return found;
}

function isPrime(number: number): boolean {
  for (let divisor = 2; divisor * divisor <= number; divisor++) {
    if (number % divisor === 0) return false;
  }
  return true;
}
