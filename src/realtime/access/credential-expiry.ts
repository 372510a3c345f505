/** The times of a client that matter for the expiry of its credential, in milliseconds since 1970. */
export interface ExpiringClient {
  /** When the credential expires; undefined is never. */
  readonly expiresAt: number | undefined;
  /** When the stream will be closed. Set once the credential has expired. */
  readonly closesAt: number | undefined;
}

/** The clients with a credential that will expire or a stream that will be closed. Holds no timer: its owner asks for `next`. */
export class CredentialExpiries<Client extends ExpiringClient> {
  readonly #clients = new Set<Client>();
  /** Never later than the earliest time of a client. It may be earlier, when that client has left. */
  #next = Number.POSITIVE_INFINITY;

  /** When to call `popDue` next, in milliseconds since 1970; undefined when nothing is tracked. */
  get next(): number | undefined {
    return this.#clients.size === 0 ? undefined : this.#next;
  }

  /** Must be called whenever the times of a client have changed. */
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

  /** Returns the clients that are due, and stops tracking them. Takes a step for each client, but only when one may be due. */
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
