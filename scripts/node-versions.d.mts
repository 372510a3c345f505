/** The major versions that can be downloaded. */
export type NodeMajor = 20 | 22 | 24;
/** Returns the path of the binary of a major version, whether it has been downloaded or not. */
export function nodePath(major: NodeMajor): string;
/** Downloads the binary of a major version if it is missing, and returns its path. */
export function downloadNode(major: NodeMajor): string;
