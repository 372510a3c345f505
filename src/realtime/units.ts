/** A length of time in milliseconds. */
export type Milliseconds = number;

/** A size in bytes. */
export type Bytes = number;
