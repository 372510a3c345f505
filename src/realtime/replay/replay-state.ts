/** The progress of a replay, as plain data. A hub stores it and hibernates while the client receives a page. */
export interface ReplayState {
  /** The sequence up to which every key has been replayed. */
  readonly position: number;
  /**
   * Set while the message after `position` is sent only in part, as `Cursor.keyHash`: the client has received the deliveries
   * for keys with a hash up to this one. Event ids contain this hash, so that a client can resume within a message.
   */
  readonly keyHash: string | undefined;
  /**
   * For each key of the client, in the client's order: the sequence after which the key's messages must still be sent. `-n`
   * means that the replay still searches for the key's newest n messages.
   */
  readonly positions: readonly number[];
  /** Sequence of the newest message when the replay started. */
  readonly newestAtStart: number;
  /**
   * One sequence for each key of the client, in the client's order: the newest message that counts in the search for the key. The
   * sequence differs from `newestAtStart` for a key that was added during the replay of another key. Undefined means
   * `newestAtStart` for all keys.
   */
  readonly searchedFrom?: readonly number[] | undefined;
  /**
   * Up to this sequence, the client may have the messages of some keys and lack the messages of other keys. No cursor can name
   * such a position, so the ids of events up to this sequence contain no cursor.
   */
  readonly unsafeUntil: number;
  /**
   * Of the messages up to this sequence, the log had only those that topic rules keep when the replay searched for the newest
   * messages. A key with an earlier position receives the messages that are still kept, and has not lost the others. 0 if no key
   * started that early. Undefined in a state that an earlier version has stored.
   */
  readonly keptUntil?: number | undefined;
  /** The number of messages replayed so far. */
  readonly replayed: number;
  /**
   * Whether a message was sent, at least for one of its keys, or a key continues from an earlier replay that started before
   * `newestAtStart`. If so, a key that loses messages continues with live messages, and not with its newest messages. Undefined
   * in a state that an earlier version has stored.
   */
  readonly isUnderWay?: boolean | undefined;
  /**
   * If the history loses the position of a key without a `last` option before the replay `isUnderWay`, the key restarts with
   * this many newest messages.
   */
  readonly last: number;
  /** Whether the client asked to resume, and receives PB_RESUME at the end. */
  readonly isResume: boolean;
  /**
   * Whether the position has changed, this replay has replaced an earlier one, or the messages after the client's cursor can't
   * all be replayed. In these cases the ids of the client's last events may contain no cursor. The replay therefore ends with
   * PB_CURSOR if it is not a resume.
   */
  readonly hasMoved: boolean;
}
