/** Returns the path of the Node 22 binary. Downloads Node first if it is missing. */
export function node22Path(): string;
