import { hashText } from "./text-hash.ts";

/** A parsed position in the log of one shard. The text of a cursor (`formatCursor`) is used as the id of an event. */
export interface Cursor {
  /** Index of the shard, from 0. */
  readonly shard: number;
  /**
   * Random name of the log's epoch, 1 to 32 letters and digits. A log that is created anew gets a new epoch, and so
   * recognises the cursors of an earlier log as unknown.
   */
  readonly epoch: string;
  /** Number of messages that the log had accepted at the position. A log on disk also counts those of its earlier epochs. */
  readonly sequence: number;
  /**
   * Set for a position within a message: a client receives a message once for each matching key, in the order of the keys'
   * hashes (`hashKey`). Of the message after `sequence`, the client has received the deliveries for keys with a hash up to
   * this one.
   */
  readonly keyHash?: string | undefined;
}

const CURSOR = /^(\d{1,9})-([0-9A-Za-z]{1,32})-(\d{1,16})(?:~([0-9a-f]{32}))?(?:\..*)?$/;

/** Returns a random name for a new epoch: 10 of the characters 0 to 9 and a to v. */
export function newEpoch(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(10));
  return Array.from(bytes, (byte) => (byte % 32).toString(32)).join("");
}

/**
 * Formats a cursor as text.
 *
 * @example
 * formatCursor({ shard: 0, epoch: "k3v9", sequence: 17 }); // "0-k3v9-17"
 */
export function formatCursor({ shard, epoch, sequence, keyHash }: Cursor): string {
  const position = `${shard}-${epoch}-${sequence}`;
  return keyHash === undefined ? position : `${position}~${keyHash}`;
}

/**
 * Parses the text of a cursor. A dot and the text after it are ignored: events that are not messages of the log have such a
 * suffix, which makes their ids unique.
 *
 * @returns undefined for text of another form. Text of this form need not be a cursor of this log: compare the shard and the
 *   epoch.
 */
export function parseCursor(text: string): Cursor | undefined {
  const match = CURSOR.exec(text);
  if (match === null) return undefined;
  const [, shard = "", epoch = "", sequence = "", keyHash] = match;
  const cursor = { shard: Number(shard), epoch, sequence: Number(sequence) };
  if (!Number.isSafeInteger(cursor.sequence)) return undefined;
  return keyHash === undefined ? cursor : { ...cursor, keyHash };
}

/** Returns the sequence in the text of a cursor, or 0 for text of another form. */
export function sequenceOf(cursor: string): number {
  return parseCursor(cursor)?.sequence ?? 0;
}

/**
 * Returns the epoch in a cursor or client id, or undefined for other text. A client id contains an epoch even if it contains
 * no cursor.
 */
export function epochOf(id: string): string | undefined {
  return /^\d{1,9}-([0-9A-Za-z]{1,32})[-.]/.exec(id)?.[1];
}

/**
 * Hashes a subscription key for `Cursor.keyHash`. The hash has 32 hexadecimal digits. A client receives a message for its
 * matching keys in the order of the keys' hashes. One hash therefore tells which of these deliveries the client has received.
 *
 * The hash is cryptographic because clients choose their keys. If two keys had the same hash, a stream that ends between their
 * two deliveries would lose a message unnoticed. With a hash of 32 bits, two such keys could be found within half a second.
 */
export function hashKey(key: string): string {
  return hashText(key);
}
