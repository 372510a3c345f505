/**
 * The version of this package. `npm version` writes it here (scripts/version.mjs), and a test compares it with package.json. An
 * import of package.json would put the whole file into a Worker's bundle.
 */
export const VERSION = "0.1.0";
