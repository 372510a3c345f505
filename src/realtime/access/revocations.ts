import { RealtimeError } from "../errors.ts";
import type { Principal } from "../types.ts";

/** How many subjects are remembered, and for how long (milliseconds): longer than credentials should live. */
export const REMEMBERED_REVOCATIONS: { readonly count: number; readonly maxAge: number } = {
  count: 10_000,
  maxAge: 30 * 86_400_000,
};

/** Whose credentials count for nothing any more, though they verify. */
export class Revocations {
  /** When each subject was revoked, in milliseconds since 1970; the oldest first. */
  readonly #bySubject = new Map<string, number>();

  /** Returns the subjects that are forgotten for this one. */
  add(subject: string, at: number): string[] {
    // A Map keeps its order, and this one is the newest.
    this.#bySubject.delete(subject);
    this.#bySubject.set(subject, at);
    const { count, maxAge } = REMEMBERED_REVOCATIONS;
    const forgotten: string[] = [];
    for (const [oldest, since] of this.#bySubject) {
      if (this.#bySubject.size <= count && at - since < maxAge) break;
      this.#bySubject.delete(oldest);
      forgotten.push(oldest);
    }
    return forgotten;
  }

  /**
   * Lets through whose credential is newer than their revocation; one that does not say how old it is, is not.
   *
   * @throws RealtimeError `revoked`.
   */
  check({ identity, issuedAt = 0 }: Principal): void {
    const at = identity === undefined ? undefined : this.#bySubject.get(identity);
    if (at === undefined || issuedAt > at) return;
    throw new RealtimeError("revoked", "This credential has been revoked. Sign in again.");
  }
}
