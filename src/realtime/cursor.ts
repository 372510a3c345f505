import { customAlphabet } from "nanoid";
import { hashText } from "./text-hash.ts";

/** A place in one life of one shard's log. */
export interface Cursor {
  /** Index of the shard, from 0. */
  readonly shard: number;
  /** Random name of the log's life: a log that lost its memory takes a new one. Letters and digits. */
  readonly epoch: string;
  /** How many messages that life had so far. */
  readonly sequence: number;
  /** Of the message behind this place, the deliveries up to this key's (`keyMark`) have been made as well, it included. */
  readonly keyHash?: string | undefined;
}

const CURSOR = /^(\d{1,9})-([0-9A-Za-z]{1,32})-(\d{1,16})(?:~([0-9a-f]{32}))?(?:\..*)?$/;

/** A name for a log that begins. */
export const newEpoch: () => string = customAlphabet("0123456789abcdefghijklmnopqrstuvwxyz", 10);

export function formatCursor({ shard, epoch, sequence, keyHash }: Cursor): string {
  const place = `${shard}-${epoch}-${sequence}`;
  return keyHash === undefined ? place : `${place}~${keyHash}`;
}

/**
 * Reads what `formatCursor` wrote, ignoring a suffix after a dot (which makes ids unique that are no message's).
 * Undefined for anything else. Other text may look like one by chance: only its log knows its life.
 */
export function parseCursor(text: string): Cursor | undefined {
  const match = CURSOR.exec(text);
  if (match === null) return undefined;
  const [, shard = "", epoch = "", sequence = "", keyHash] = match;
  const place = { shard: Number(shard), epoch, sequence: Number(sequence) };
  if (!Number.isSafeInteger(place.sequence)) return undefined;
  return keyHash === undefined ? place : { ...place, keyHash };
}

/** The sequence in a cursor; 0 for text that is not a cursor. */
export function sequenceOf(cursor: string): number {
  return parseCursor(cursor)?.sequence ?? 0;
}

/** The life of a log that an id names: a cursor, or a client id with or without one. Undefined for other text. */
export function epochOf(id: string): string | undefined {
  return /^\d{1,9}-([0-9A-Za-z]{1,32})[-.]/.exec(id)?.[1];
}

/**
 * A short name for a subscription key in a cursor, 32 characters. One message's deliveries to a client are made in the
 * order of these: so a mark tells of any key whether it had that message, whichever keys there were.
 *
 * A client chooses its keys and may look for two with the same mark. Of those, one would lose a message where a stream is cut
 * between them, and the client would be told that nothing was missed. So the mark is a hash for which none can be found:
 * two keys with the same 32 bits were found in half a second.
 */
export function hashKey(key: string): string {
  return hashText(key);
}
