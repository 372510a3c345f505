import type { CollectionSettings, Values } from "./record.ts";

/** What happens in PocketBase. */
export type Step =
  | { readonly do: "save"; readonly collection: string; readonly record: Values }
  | { readonly do: "delete"; readonly collection: string; readonly id: string }
  | { readonly do: "transaction"; readonly steps: readonly Step[]; readonly fails?: boolean }
  /** A full minute begins, at which PocketBase starts its cron jobs. */
  | { readonly do: "minute" }
  /** The steps are carried out while Pocketwire answers the next request. */
  | { readonly do: "during"; readonly steps: readonly Step[] }
  | { readonly do: "exec"; readonly sql: string }
  | { readonly do: "stop" };

/** The input of a run. */
export interface Run {
  /** The folder `pb_hooks`. */
  readonly hooks: string;
  /** The file of the database. */
  readonly database: string;
  readonly collections: readonly CollectionSettings[];
  readonly steps: readonly Step[];
}

/** The output of a run. */
export interface Outcome {
  /** What steps have thrown. */
  readonly errors: readonly string[];
  readonly queue: readonly {
    readonly seq: number;
    readonly message: string;
    readonly refused: string;
  }[];
  readonly log: readonly string[];
}
