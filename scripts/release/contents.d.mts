export interface PackedFile {
  readonly path: string;
  readonly text: string;
}
export function findUnpublishable(
  files: readonly PackedFile[],
  texts?: Readonly<Record<string, string>>,
): string[];
