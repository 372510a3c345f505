/** What no log may hold: keys, secrets and tokens that tests use. Every service's output is searched for them. */
const secrets = new Set<string>();

/** Remembers a secret, and returns it. */
export function keepSecret(secret: string): string {
  // Of a token the signature is what must not be known.
  secrets.add(secret);
  const signature = /^[\w-]+\.[\w-]+\.([\w-]{16,})$/.exec(secret)?.[1];
  if (signature !== undefined) secrets.add(signature);
  return secret;
}

/** @throws when one of the secrets stands in `output`. */
export function expectNoSecrets(output: string, where: string): void {
  for (const secret of secrets) {
    const at = output.indexOf(secret);
    if (at === -1) continue;
    const line = output.slice(output.lastIndexOf("\n", at) + 1).split("\n")[0];
    throw new Error(`${where} has printed a secret: ${line}`);
  }
}
