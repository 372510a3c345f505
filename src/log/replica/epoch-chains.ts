/** Comparisons of the epochs of a shared log. */
import type { EpochChain } from "../epochs.ts";

/** The epoch and the place of an entry (`SequencedEntry`). */
interface EntryEpoch {
  readonly epoch: string;
  readonly sequence: number;
  readonly index: number;
}

/**
 * Whether an entry of a shared log (`SequencedEntry`) may have its epoch at its place. True if the epoch of the place is forgotten.
 * An entry without a message may be in an epoch that has no message yet.
 */
export function fitsEpoch(chain: EpochChain, { epoch, sequence, index }: EntryEpoch): boolean {
  if (sequence <= (chain.all[0]?.start ?? 0)) return true;
  if (index === 0) return chain.nameOf(sequence) === epoch;
  const start = chain.all.find(({ name }) => name === epoch)?.start;
  return start !== undefined && start <= sequence && sequence <= (chain.endOf(epoch) ?? -1);
}

/**
 * Returns the sequence up to which two chains describe the same messages. Infinity if both have the same newest epoch, 0 if they
 * have no epoch in common.
 */
export function commonEnd(chain: EpochChain, other: EpochChain): number {
  const last = chain.all.findLast(({ name }) => other.endOf(name) !== undefined);
  if (last === undefined) return 0;
  return Math.min(chain.endOf(last.name) ?? 0, other.endOf(last.name) ?? 0);
}
