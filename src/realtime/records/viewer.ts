import type { Principal } from "../types.ts";
import type { RecordData } from "./collection.ts";

/** Who reads a message: the properties of a client on which rules and hidden fields depend. */
export interface Viewer {
  readonly isAdmin: boolean;
  /** The user's record. Undefined for a guest. */
  readonly auth: RecordData | undefined;
  /** The same for all clients that see the same of every message. */
  readonly key: string;
}

/** Stands for all viewers of a message that looks the same to each of them. */
export const EVERYONE: Viewer = { isAdmin: false, auth: undefined, key: "everyone" };

const GUEST: Viewer = { isAdmin: false, auth: undefined, key: "guest" };
const ADMINISTRATOR: Viewer = { isAdmin: true, auth: undefined, key: "administrator" };

/**
 * Returns the viewer for a caller. A caller without a record is a guest, even with an identity: a client keeps its identity when
 * its credential has expired.
 */
export function viewerOf({ auth, isAdmin }: Principal): Viewer {
  if (isAdmin === true) return ADMINISTRATOR;
  return auth === undefined ? GUEST : new User(auth);
}

/** The key is computed on first use, because most services have no rule that needs it. */
class User implements Viewer {
  readonly isAdmin = false;
  readonly auth: RecordData;
  #key: string | undefined;

  constructor(auth: RecordData) {
    this.auth = auth;
  }

  get key(): string {
    this.#key ??= `user ${JSON.stringify(this.auth)}`;
    return this.#key;
  }
}
