import type { MessageLog, RevocationStore, StoredRevocation } from "../../log/log.ts";
import type { RealtimeManager } from "../../realtime/manager.ts";
import type { Revocation } from "../../realtime/types.ts";

/** Number of revocations of which the counts of disconnected clients are remembered. */
const REMEMBERED_COUNTS = 100;

/** Revokes credentials in a manager, and keeps the revocations of subjects in the log. */
export class Revoker {
  readonly #manager: RealtimeManager;
  readonly #log: MessageLog;
  readonly #now: () => number;
  /** Number of disconnected clients by revocation. */
  readonly #counts = new Map<string, number>();

  /** Restores the revocations of the log. @param now The wall clock. */
  constructor(manager: RealtimeManager, log: MessageLog, now: () => number) {
    this.#manager = manager;
    this.#log = log;
    this.#now = now;
    const { revocations, sharedRevocations } = log;
    for (const { subject, at } of revocations?.all() ?? []) {
      forget(revocations, manager.revoke({ subject }, at).forgotten);
    }
    sharedRevocations?.follow((revocation) => void this.apply(revocation));
    for (const revocation of sharedRevocations?.all() ?? []) this.apply(revocation);
  }

  /**
   * Implements `ClientRegistry.revoke`.
   *
   * @throws RealtimeError `storage_failed` when the revocation can't be stored. It holds until the process ends. `unreachable` when a
   *   log over several processes can't be reached: the revocation then holds nowhere.
   */
  async revoke(revocation: Revocation): Promise<number> {
    const { revocations, sharedRevocations } = this.#log;
    if (!("subject" in revocation)) return this.#manager.revoke(revocation).disconnected;
    if (sharedRevocations !== undefined) {
      return this.apply(await sharedRevocations.revoke(revocation.subject));
    }
    return this.#revokeAndStore(revocation.subject, revocations);
  }

  /**
   * Applies a revocation that is stored. The log announces it, and the process that made it may ask for the count, in any order.
   *
   * @returns The number of clients that were disconnected, also when the revocation had been applied before.
   */
  apply({ subject, at }: StoredRevocation): number {
    const key = `${at} ${subject}`;
    const known = this.#counts.get(key);
    if (known !== undefined) return known;
    // A log over several processes announces old revocations again. A subject may have signed in since.
    if (this.#isRevoked(subject, at)) return 0;
    const { disconnected } = this.#manager.revoke({ subject }, at);
    this.#counts.set(key, disconnected);
    const [oldest] = this.#counts.keys();
    if (this.#counts.size > REMEMBERED_COUNTS && oldest !== undefined) this.#counts.delete(oldest);
    return disconnected;
  }

  /** Whether this revocation of the subject, or a later one, has been applied before. */
  #isRevoked(subject: string, at: number): boolean {
    try {
      this.#manager.checkCredential({ identity: subject, issuedAt: at });
      return false;
    } catch {
      return true;
    }
  }

  #revokeAndStore(subject: string, store: RevocationStore | undefined): number {
    const at = this.#now();
    try {
      // Stored before clients are disconnected: they reconnect at once, and must be refused even if the process ends here.
      store?.set(subject, at);
    } catch (error) {
      this.#manager.revoke({ subject }, at);
      throw error;
    }
    const { disconnected, forgotten } = this.#manager.revoke({ subject }, at);
    forget(store, forgotten);
    return disconnected;
  }
}

function forget(store: RevocationStore | undefined, subjects: readonly string[]): void {
  for (const subject of subjects) store?.remove(subject);
}
