import { customAlphabet } from "nanoid";

/** A place in one life of one shard's log. */
export interface Cursor {
  /** Index of the shard, from 0. */
  readonly shard: number;
  /** Random name of the log's life: a log that lost its memory takes a new one. Letters and digits. */
  readonly life: string;
  /** Messages up to this place since that life began. */
  readonly sequence: number;
}

const CURSOR = /^(\d{1,9})-([0-9A-Za-z]{1,32})-(\d{1,16})(?:\..*)?$/;

/** A name for a log that begins. */
export const newLife: () => string = customAlphabet("0123456789abcdefghijklmnopqrstuvwxyz", 10);

export function formatCursor(cursor: Cursor): string {
  return `${cursor.shard}-${cursor.life}-${cursor.sequence}`;
}

/**
 * Reads what `formatCursor` wrote, ignoring a suffix after a dot (`sendEvent` makes ids unique so).
 * Undefined for anything else. A client id may look like one by chance: only its log knows its life.
 */
export function parseCursor(text: string): Cursor | undefined {
  const match = CURSOR.exec(text);
  if (match === null) return undefined;
  const [, shard = "", life = "", sequence = ""] = match;
  const cursor = { shard: Number(shard), life, sequence: Number(sequence) };
  return Number.isSafeInteger(cursor.sequence) ? cursor : undefined;
}
