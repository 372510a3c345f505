/** A blog in PocketBase, and what happens to its posts. */
import type { CollectionSettings } from "./record.ts";
import type { Step } from "./steps.ts";
import type { Sent } from "./target.ts";

const POSTS: CollectionSettings = {
  id: "pbc_posts",
  name: "posts",
  type: "base",
  fields: [
    { name: "id", type: "text" },
    { name: "n", type: "number" },
    { name: "tags", type: "select", maxSelect: 3 },
    { name: "kind", type: "select", maxSelect: 1 },
    { name: "data", type: "json" },
    { name: "secret", type: "text", hidden: true },
  ],
};
const COMMENTS: CollectionSettings = {
  id: "pbc_comments",
  name: "comments",
  type: "base",
  fields: [
    { name: "id", type: "text" },
    { name: "post", type: "relation", maxSelect: 1, cascadeDelete: true },
  ],
};
const USERS: CollectionSettings = {
  id: "pbc_users",
  name: "users",
  type: "auth",
  fields: [
    { name: "id", type: "text" },
    { name: "password", type: "password", hidden: true },
    { name: "tokenKey", type: "text", hidden: true },
    { name: "email", type: "email" },
    { name: "emailVisibility", type: "bool" },
    { name: "pin", type: "password" },
  ],
};
const LOGINS: CollectionSettings = {
  id: "pbc_otps",
  name: "_otps",
  type: "base",
  system: true,
  fields: [{ name: "id", type: "text" }],
};
export const COLLECTIONS: readonly CollectionSettings[] = [POSTS, COMMENTS, USERS, LOGINS];

/** The post `r1` gets the number `n`: a create the first time, then updates. */
export function save(n: number, more: object = {}): Step {
  return { do: "save", collection: "posts", record: { id: "r1", n, ...more } };
}

export const numbers = (messages: readonly Sent[]): unknown[] =>
  messages.map(({ record }) => record.n);

/** 1, 2 and so on. */
export const upTo = (count: number): number[] =>
  Array.from({ length: count }, (_, index) => index + 1);

export const minute: Step = { do: "minute" };
