import { customAlphabet } from "nanoid";
import { hashText } from "./text-hash.ts";

/** A position in the log of one shard, parsed. As text it is the id of an event. */
export interface Cursor {
  /** Index of the shard, from 0. */
  readonly shard: number;
  /**
   * Random name of the log's epoch, 1 to 32 letters and digits. A log that starts empty gets a new one, so cursors from before
   * are recognised as unknown.
   */
  readonly epoch: string;
  /** How many messages the log has accepted in this epoch, up to the position. */
  readonly sequence: number;
  /**
   * `hashKey` of a subscription key, for a position within a message: of the message after `sequence`, the client has the
   * deliveries up to this key's.
   */
  readonly keyHash?: string | undefined;
}

const CURSOR = /^(\d{1,9})-([0-9A-Za-z]{1,32})-(\d{1,16})(?:~([0-9a-f]{32}))?(?:\..*)?$/;

/** A random name for a new epoch, 10 characters. */
export const newEpoch: () => string = customAlphabet("0123456789abcdefghijklmnopqrstuvwxyz", 10);

/**
 * The text of a cursor.
 *
 * @example
 * formatCursor({ shard: 0, epoch: "k3v9", sequence: 17 }); // "0-k3v9-17"
 */
export function formatCursor({ shard, epoch, sequence, keyHash }: Cursor): string {
  const position = `${shard}-${epoch}-${sequence}`;
  return keyHash === undefined ? position : `${position}~${keyHash}`;
}

/**
 * Parses the text of a cursor. Anything after a dot is ignored: such a suffix makes the ids of events unique that are not
 * messages of the log.
 *
 * @returns undefined for text of another form. Text of this form need not be a cursor of the log: compare the epoch.
 */
export function parseCursor(text: string): Cursor | undefined {
  const match = CURSOR.exec(text);
  if (match === null) return undefined;
  const [, shard = "", epoch = "", sequence = "", keyHash] = match;
  const cursor = { shard: Number(shard), epoch, sequence: Number(sequence) };
  if (!Number.isSafeInteger(cursor.sequence)) return undefined;
  return keyHash === undefined ? cursor : { ...cursor, keyHash };
}

/** The sequence in the text of a cursor; 0 for text of another form. */
export function sequenceOf(cursor: string): number {
  return parseCursor(cursor)?.sequence ?? 0;
}

/** The epoch in a cursor or client id; undefined for other text. A client id holds an epoch even when it holds no cursor. */
export function epochOf(id: string): string | undefined {
  return /^\d{1,9}-([0-9A-Za-z]{1,32})[-.]/.exec(id)?.[1];
}

/**
 * The name of a subscription key in cursors: 32 hexadecimal digits. A client gets one message under several keys in the order of
 * these hashes, so a single hash tells for every key whether the client has the message.
 *
 * It is a cryptographic hash because clients choose their keys. With two keys of equal hash, a stream that is cut between their
 * deliveries would lose a message unnoticed. Two keys with equal 32-bit hashes are found within half a second.
 */
export function hashKey(key: string): string {
  return hashText(key);
}
