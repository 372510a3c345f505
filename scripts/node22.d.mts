/** Returns the path of the Node 22 binary, whether it has been downloaded or not. */
export function node22Path(): string;
