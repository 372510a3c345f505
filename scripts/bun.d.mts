/** Returns the path of the Bun binary. Downloads Bun first if it is missing. */
export function bunPath(): string;
