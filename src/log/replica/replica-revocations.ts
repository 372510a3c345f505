import { REMEMBERED_REVOCATIONS } from "../../realtime/access/revocations.ts";
import type { SharedRevocations, StoredRevocation } from "../log.ts";
import type { Replica } from "./replica.ts";
import type { Sequencer } from "./sequencer.ts";

/**
 * The revocations of a shared log. The log receives entries as soon as it is open, but a server follows the revocations only later.
 * The revocations that arrive between the two are therefore kept for `all`.
 */
export class ReplicaRevocations implements SharedRevocations {
  readonly #replica: Replica;
  readonly #sequencer: Sequencer;
  /** Time of revocation by subject, oldest first. */
  readonly #bySubject = new Map<string, number>();

  /** @param loaded The revocations of the sequencer, oldest first. */
  constructor(replica: Replica, sequencer: Sequencer, loaded: readonly StoredRevocation[]) {
    this.#replica = replica;
    this.#sequencer = sequencer;
    for (const revocation of loaded) this.#add(revocation);
    replica.revocationListeners.add(this.#add);
  }

  all(): readonly StoredRevocation[] {
    return [...this.#bySubject].map(([subject, at]) => ({ subject, at }));
  }

  async revoke(subject: string): Promise<StoredRevocation> {
    return { subject, at: (await this.#sequencer.revoke(subject)).at };
  }

  follow(listener: (revocation: StoredRevocation) => void): void {
    this.#replica.revocationListeners.delete(this.#add);
    this.#replica.revocationListeners.add(listener);
  }

  readonly #add = ({ subject, at }: StoredRevocation): void => {
    const latest = Math.max(at, this.#bySubject.get(subject) ?? 0);
    this.#bySubject.delete(subject);
    this.#bySubject.set(subject, latest);
    const [oldest] = this.#bySubject.keys();
    if (this.#bySubject.size > REMEMBERED_REVOCATIONS.count && oldest !== undefined) {
      this.#bySubject.delete(oldest);
    }
  };
}
