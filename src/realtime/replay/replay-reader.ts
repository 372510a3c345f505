import type { Viewer } from "../records/viewer.ts";

/** The properties of a client that decide which messages it may receive. */
export interface ReplayReader {
  /** Patterns of the topics with private messages that the client may receive. */
  readonly rights: readonly string[];
  readonly viewer: Viewer;
}

/** A subscription to which a message must be sent, and the message's data for the subscription. */
export interface Match {
  readonly key: string;
  readonly keyHash: string;
  readonly data: string;
}
