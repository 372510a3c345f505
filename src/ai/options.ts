/** @throws TypeError for an option that does not exist, so that a misspelt option is not ignored. */
export function refuseUnknown(name: string, options: object, known: readonly string[]): void {
  for (const option of Object.keys(options)) {
    if (!known.includes(option)) {
      throw new TypeError(`${name}: unknown option "${option}". Known: ${known.join(", ")}.`);
    }
  }
}
