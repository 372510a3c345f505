import fc from "fast-check";
import { expect } from "vitest";
import { hashKey } from "../../src/realtime/cursor.ts";
import { createMessage, type PublishInput, type RecordInput } from "../../src/realtime/message.ts";
import type { CollectionRules, RecordData } from "../../src/realtime/records/collection.ts";
import { compileFilter, type FilterContext } from "../../src/realtime/records/filter.ts";
import { pickFields } from "../../src/realtime/records/pick-fields.ts";
import type { Principal } from "../../src/realtime/types.ts";
import { keyWith } from "./message-content.ts";

export type Rules = Readonly<Record<string, CollectionRules>>;

/** A subscription key and what it was made of. */
export interface ModelKey {
  readonly key: string;
  readonly topic: string;
  readonly query: Readonly<Record<string, string>>;
}

const FILTERS = [
  "status = 'open'",
  "status != 'open' && n > 1",
  "tags:each ?= 'a'",
  "n >= 2 || owner = 'u1'",
  "secret = 1",
  "email ~ 'a'",
  "missing = 1 || n > 0",
];

const RULES = [
  null,
  "",
  "owner = @request.auth.id",
  "status = 'open'",
  "@request.auth.id != '' && n < 3",
  "status = @request.query.s",
  "secret = 1 || @request.auth.role = 'editor'",
  "missing = 1",
];

const anyRule = fc.constantFrom(...RULES);

/** The rules of a service with the collections "posts" and "users". */
export const anyRules: fc.Arbitrary<Rules> = fc.oneof(
  fc.constant({}),
  fc.record(
    {
      posts: fc.record({ listRule: anyRule, viewRule: anyRule }, { requiredKeys: [] }),
      users: fc.record(
        { manageRule: anyRule, hidden: fc.constant(["secret"]) },
        { requiredKeys: [] },
      ),
      "*": fc.record({ listRule: anyRule, hidden: fc.constant(["secret"]) }, { requiredKeys: [] }),
    },
    { requiredKeys: [] },
  ),
);

export const anyPrincipal: fc.Arbitrary<Principal> = fc.constantFrom<Principal[]>(
  {},
  { isAdmin: true },
  { identity: "u1", auth: { id: "u1" } },
  // As a client with an expired credential: it has an identity, and is a guest for rules.
  { identity: "u3" },
  { identity: "u2", auth: { id: "u2", role: "editor" } },
  { identity: "r1", auth: { id: "r1", collectionName: "users" } },
);

export const anyKey: fc.Arbitrary<ModelKey> = fc
  .record({
    topic: fc.constantFrom(
      "posts/*",
      "posts",
      "posts/r1",
      "posts/r2",
      "users/*",
      "users/r1",
      "*",
      "chat",
    ),
    query: fc.record(
      {
        filter: fc.constantFrom(...FILTERS),
        fields: fc.constantFrom("id", "status,tags", "*", "email,secret"),
        actions: fc.constantFrom("create,delete", "update"),
        changed: fc.constantFrom("status", "n,secret", "email"),
        leave: fc.constantFrom("true", "false"),
        envelope: fc.constantFrom("true", "1", "false", "0"),
        s: fc.constantFrom("open", "closed"),
      },
      { requiredKeys: [] },
    ),
  })
  .map(({ topic, query }) => {
    const isPlain = Object.keys(query).length === 0;
    return { topic, query, key: isPlain ? topic : keyWith(topic, query) };
  });

const anyRecord = fc.record({
  status: fc.constantFrom("open", "closed"),
  owner: fc.constantFrom("u1", "u2", ""),
  n: fc.integer({ min: 0, max: 4 }),
  tags: fc.subarray(["a", "b"]),
  secret: fc.integer({ min: 0, max: 1 }),
  email: fc.constantFrom("a@b.c", "b@b.c"),
  emailVisibility: fc.boolean(),
});

const anyEvent: fc.Arbitrary<RecordInput> = fc
  .record({
    name: fc.constantFrom("posts", "posts", "users"),
    hidden: fc.subarray(["secret", "owner"]),
    action: fc.constantFrom("create", "update", "update", "delete"),
    id: fc.constantFrom("r1", "r2"),
    record: anyRecord,
    previous: fc.option(anyRecord),
  })
  .map(({ name, hidden, action, id, record, previous }) => ({
    collection: { name, hidden, type: name === "users" ? "auth" : "base" },
    action,
    record: { ...record, id },
    ...(action === "update" && previous !== null && { previous: { ...previous, id } }),
  }));

export const anyInput: fc.Arbitrary<PublishInput> = fc.oneof(
  { weight: 5, arbitrary: anyEvent },
  {
    weight: 1,
    arbitrary: fc.record({ topic: fc.constantFrom("chat", "posts/r1"), data: anyRecord }),
  },
);

/** An event that a client receives: its name and data. */
export type Expected = readonly [key: string, data: unknown];

/** A client of the model. */
export interface ModelClient {
  readonly principal: Principal;
  readonly keys: readonly ModelKey[];
  /** `StreamOptions.envelope`. */
  readonly envelope: boolean;
}

/** What a client receives of a message: decided for it alone, and for each of its keys anew. */
export function expectedOf(input: PublishInput, client: ModelClient, rules: Rules): Expected[] {
  const { keys, principal, envelope } = client;
  const distinct = [...new Map(keys.map((key) => [key.key, key])).values()];
  const hashOf = ({ key }: ModelKey) => hashKey(key);
  const sorted = distinct.toSorted((a, b) => (hashOf(a) < hashOf(b) ? -1 : 1));
  return sorted.flatMap((key): Expected[] => {
    const data = dataOf(input, key, principal, rules);
    if (data === undefined) return [];
    const { envelope: own = String(envelope) } = key.query;
    const isEnveloped = own === "true" || own === "1";
    return [[key.key, isEnveloped ? inEnvelope(input, key.topic, data) : data]];
  });
}

function inEnvelope(input: PublishInput, pattern: string, data: unknown): unknown {
  const matches = (topic: string) =>
    pattern === "*" ||
    pattern === topic ||
    (pattern.endsWith("/*") && topic.startsWith(pattern.slice(0, -1)));
  const topic = createMessage(input).topics.find(matches);
  return { topic, id: input.id, at: expect.any(String), data };
}

function dataOf(input: PublishInput, key: ModelKey, principal: Principal, rules: Rules): unknown {
  try {
    if (!("topic" in input)) return recordDataOf(input, key, principal, rules);
    if (![input.topic, `${input.topic.split("/")[0]}/*`, "*"].includes(key.topic)) return undefined;
    if (key.topic !== input.topic && key.topic !== "*" && !input.topic.includes("/"))
      return undefined;
    const data = input.data as RecordData;
    const { filter, fields } = key.query;
    if (filter !== undefined && !compileFilter(filter)(data)) return undefined;
    return fields === undefined ? data : pickFields(fields)(data);
  } catch {
    // A filter that fails sends nothing.
    return undefined;
  }
}

function recordDataOf(
  { collection, action, record, previous }: RecordInput,
  { topic, query }: ModelKey,
  { auth, isAdmin = false }: Principal,
  rules: Rules,
): unknown {
  if (typeof collection === "string") throw new Error("The model describes its collections.");
  const { name, type } = collection;
  const isView = topic === `${name}/${record.id}`;
  if (!isView && ![name, `${name}/*`, "*"].includes(topic)) return undefined;

  const entry = rules[name] ?? rules["*"];
  const hidden = [...(collection.hidden ?? []), ...(entry?.hidden ?? [])];
  const described = { ...collection, hidden };
  const user = isAdmin ? undefined : auth;
  const context: FilterContext = { auth: user, query, isAdmin };
  const allows = (rule: string | null | undefined, data: RecordData) =>
    isAdmin ||
    rule === "" ||
    (typeof rule === "string" && compileFilter(rule, described, "rule")(data, context));
  const isOpen = entry?.listRule === undefined && entry?.viewRule === undefined;
  const rule = isOpen ? "" : isView ? entry?.viewRule : entry?.listRule;
  const selects = (data: RecordData) =>
    allows(rule, data) &&
    (query.filter === undefined || compileFilter(query.filter, described)(data, context));

  if (!selects(record)) {
    const hasLeft = query.leave === "true" && previous !== undefined && selects(previous);
    return hasLeft ? { action: "leave", record: { id: record.id } } : undefined;
  }
  if (query.actions !== undefined && !query.actions.split(",").includes(action)) return undefined;
  const shown = Object.entries(record).filter(([field]) => {
    if (!isAdmin && hidden.includes(field)) return false;
    if (field !== "email" || type !== "auth" || isAdmin || record.emailVisibility === true)
      return true;
    return user?.id === record.id || allows(entry?.manageRule, record);
  });
  if (action === "update" && query.changed !== undefined && previous !== undefined) {
    const fields = query.changed.split(",");
    const isChanged = shown.some(
      ([field, value]) =>
        fields.includes(field) && JSON.stringify(value) !== JSON.stringify(previous[field]),
    );
    if (!isChanged) return undefined;
  }
  const data = Object.fromEntries(shown);
  return { action, record: query.fields === undefined ? data : pickFields(query.fields)(data) };
}
