/** Keys, secrets and tokens of tests, which no log may contain. The output of every service is searched for them. */
const secrets = new Set<string>();

/** Remembers a secret, and returns it. */
export function keepSecret(secret: string): string {
  // Only the signature of a token is secret.
  secrets.add(secret);
  const signature = /^[\w-]+\.[\w-]+\.([\w-]{16,})$/.exec(secret)?.[1];
  if (signature !== undefined) secrets.add(signature);
  return secret;
}

/** @throws when `output` contains one of the secrets. */
export function expectNoSecrets(output: string, where: string): void {
  for (const secret of secrets) {
    const at = output.indexOf(secret);
    if (at === -1) continue;
    const line = output.slice(output.lastIndexOf("\n", at) + 1).split("\n")[0];
    throw new Error(`${where} has printed a secret: ${line}`);
  }
}
