/** A length of time in milliseconds. */
export type Milliseconds = number;

/** A size in bytes. */
export type Bytes = number;

/** A length of time in seconds. */
export type Seconds = number;
