/** The times at which a client's credential expires and its stream closes, in milliseconds since 1970. */
export interface ExpiringClient {
  /** When the credential expires. Undefined means never. */
  readonly expiresAt: number | undefined;
  /** When the stream will be closed. Set once the credential has expired. */
  readonly closesAt: number | undefined;
}

/**
 * The clients with a credential that will expire, or a stream that will be closed because of it. This class has no timer: the
 * caller must call `popDue` at the time `next`.
 */
export class CredentialExpiries<Client extends ExpiringClient> {
  readonly #clients = new Set<Client>();
  /** The earliest time of a client. May be too early: when a client leaves, the time is not updated. */
  #next = Number.POSITIVE_INFINITY;

  /** When to call `popDue` next, in milliseconds since 1970; undefined when nothing is tracked. */
  get next(): number | undefined {
    return this.#clients.size === 0 ? undefined : this.#next;
  }

  /** Adds or updates a client. Must be called after each change of the client's times. */
  track(client: Client): void {
    const due = dueOf(client);
    if (due === undefined) {
      this.#clients.delete(client);
      return;
    }
    this.#clients.add(client);
    this.#next = Math.min(this.#next, due);
  }

  /** Stops tracking a client. */
  forget(client: Client): void {
    this.#clients.delete(client);
  }

  /**
   * Returns the clients with a time that is not after `now`, and stops tracking them. Goes through all clients, but only if
   * one of them may be due.
   */
  popDue(now: number): Client[] {
    if (now < this.#next) return [];
    const due: Client[] = [];
    this.#next = Number.POSITIVE_INFINITY;
    for (const client of this.#clients) {
      const at = dueOf(client) ?? Number.POSITIVE_INFINITY;
      if (at > now) this.#next = Math.min(this.#next, at);
      else due.push(client);
    }
    for (const client of due) this.#clients.delete(client);
    return due;
  }
}

function dueOf({ closesAt, expiresAt }: ExpiringClient): number | undefined {
  return closesAt ?? expiresAt;
}
