export interface ReleaseFacts {
  readonly version: string;
  readonly lockVersions: readonly string[];
  readonly sourceVersion: string;
  readonly changelog: string;
  readonly tags: readonly string[];
  readonly changed: readonly string[];
}
export function checkAgreement(facts: ReleaseFacts): { errors: string[]; unready: string[] };
