// Which files and texts the tarball may contain.

const EXPECTED = [
  /^(LICENSE|README\.md|package\.json)$/,
  /^dist\/(?:[\w-]+\/)*[\w.-]+\.(?:js|d\.ts)$/,
  /^dist\/assets\/pocketwire-[\w-]+\.txt$/,
];
const UNEXPECTED = /(^|\/)(test|tests|\.[^/]*)(\/|$)|\.test\.|\.map$/;

const SECRETS = {
  "a private key": /-----BEGIN [A-Z ]*PRIVATE KEY-----\s+[A-Za-z0-9+/=]{16}/,
  "a token of npm": /\bnpm_[A-Za-z0-9]{36}\b/,
  "a token of GitHub": /\b(gh[pousr]_[A-Za-z0-9]{36}|github_pat_\w{22,})\b/,
  "a key of AWS": /\bAKIA[0-9A-Z]{16}\b/,
  "a JSON Web Token": /\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{16,}/,
};

/**
 * Returns a sentence for each file that must not be published, because the kind of the file is unexpected or because the file
 * contains a text that must not leave this machine.
 *
 * @param files Path and text of each file of the package.
 * @param texts Further texts that no file may contain, by their description: the folder of the build, the keys of `.dev.vars`.
 */
export function findUnpublishable(files, texts = {}) {
  return files.flatMap(({ path, text }) => {
    const faults = [];
    if (UNEXPECTED.test(path) || !EXPECTED.some((pattern) => pattern.test(path))) {
      faults.push(`${path} is not a file of the package. Exclude it with "files" in package.json.`);
    }
    for (const [what, pattern] of Object.entries(SECRETS)) {
      if (pattern.test(text)) faults.push(`${path} contains ${what}. Remove it.`);
    }
    for (const [what, forbidden] of Object.entries(texts)) {
      if (text.includes(forbidden)) faults.push(`${path} contains ${what}. Remove it.`);
    }
    return faults;
  });
}
