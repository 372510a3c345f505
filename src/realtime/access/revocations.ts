import { RealtimeError } from "../errors.ts";
import type { Principal } from "../types.ts";
import type { Milliseconds } from "../units.ts";

/**
 * How many revoked subjects are remembered, and for how long: 10,000 for 30 days. Credentials should expire within 30 days,
 * because the old credentials of a forgotten subject are accepted again.
 */
export const REMEMBERED_REVOCATIONS: { readonly count: number; readonly maxAge: Milliseconds } = {
  count: 10_000,
  maxAge: 30 * 86_400_000,
};

/** Stores which subjects were revoked, and when. */
export class Revocations {
  /** The time of each subject's revocation, in milliseconds since 1970, in the order in which they were added. */
  readonly #bySubject = new Map<string, number>();

  /** Adds a revocation. Returns the subjects that are now forgotten, because they are too old or too many. */
  add(subject: string, at: number): string[] {
    // A subject that is set again would keep its old position in the Map, so it is deleted first.
    this.#bySubject.delete(subject);
    this.#bySubject.set(subject, at);
    const { count, maxAge } = REMEMBERED_REVOCATIONS;
    const forgotten: string[] = [];
    for (const [oldest, revokedAt] of this.#bySubject) {
      if (this.#bySubject.size <= count && at - revokedAt < maxAge) break;
      this.#bySubject.delete(oldest);
      forgotten.push(oldest);
    }
    return forgotten;
  }

  /**
   * Checks that a credential was issued after its subject's revocation, if the subject was revoked. A credential without
   * `issuedAt` counts as issued in 1970.
   *
   * @throws RealtimeError `revoked`.
   */
  check({ identity, issuedAt = 0 }: Principal): void {
    const revokedAt = identity === undefined ? undefined : this.#bySubject.get(identity);
    if (revokedAt === undefined || issuedAt > revokedAt) return;
    throw new RealtimeError("revoked", "This credential has been revoked. Sign in again.");
  }
}
