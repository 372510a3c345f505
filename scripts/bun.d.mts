/** Path of the Bun binary, fetched if it is not there. */
export function bunPath(): string;
