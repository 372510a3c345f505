/** A client as far as the end of its credential goes. Milliseconds since 1970. */
export interface ExpiringClient {
  /** When its credential ends; undefined is never. */
  readonly expiresAt: number | undefined;
  /** Set once that has happened: when its stream is closed. */
  readonly closesAt: number | undefined;
}

/** Clients for whom something falls due, and when the next does. It holds no timer: whoever owns it asks. */
export class CredentialExpiries<Client extends ExpiringClient> {
  readonly #clients = new Set<Client>();
  /** Never later than the earliest; earlier when that client has gone. */
  #next = Number.POSITIVE_INFINITY;

  /** When to ask again, in milliseconds since 1970; undefined when nothing will fall due. */
  get next(): number | undefined {
    return this.#clients.size === 0 ? undefined : this.#next;
  }

  /** To be called whenever a client's times have changed. */
  track(client: Client): void {
    const due = dueOf(client);
    if (due === undefined) {
      this.#clients.delete(client);
      return;
    }
    this.#clients.add(client);
    this.#next = Math.min(this.#next, due);
  }

  forget(client: Client): void {
    this.#clients.delete(client);
  }

  /** Those who are due; they are tracked no more. Looks at each client, but only when one may be due. */
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
