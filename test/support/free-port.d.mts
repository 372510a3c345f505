/** Returns a port of 127.0.0.1 that is free, as text. */
export function freePort(): Promise<string>;
