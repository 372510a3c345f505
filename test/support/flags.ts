/** A test's title, with the reason where it is left out. */
export function leftOut(title: string, reason: string | undefined): string {
  return reason === undefined ? title : `${title} (left out: ${reason})`;
}
