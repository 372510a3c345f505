import type { FieldType } from "../../src/realtime/records/collection.ts";
import type { Situation } from "./filter-cases.ts";
import type { Random } from "./random.ts";

/** The clock of all random filters. */
export const NOW = "2023-02-03T04:05:06.007Z";

const TEXTS = [
  "",
  "",
  "a",
  "A",
  "b",
  "ab",
  "abc",
  "1",
  "1.0",
  "10",
  "10.0",
  "5",
  " 5 ",
  "0",
  "-0.5",
  "1e0",
  "+5",
  ".5",
  "5.",
  "1e",
  "\t5",
  "\u00a05",
  "\u212a",
  "a_b",
  "axb",
  "a%b",
  "a\\b",
  "a\\%b",
  "\\",
  "É",
  "é",
  "😀",
  "\uffee",
  "it's",
  'say "hi"',
  "x\ny",
  "a<b",
  "true",
  "null",
  "2023",
];

const DATES = [
  "",
  "2023-02-03 04:05:06.007Z",
  "2023-02-03 00:00:00.000Z",
  "2023-02-03 23:59:59.999Z",
  "2023-02-02 04:05:06.007Z",
  "2022-12-31 23:59:59.999Z",
  "2024-02-29 12:00:00.000Z",
];

const NUMBERS = [0, 0, 1, 1, -1, 2, 5, 10, -0.5, 0.1, 2.5, 10.5, 23.2, 1000000, 123456789012];

/** Numbers whose text has an exponent or many digits. */
const RARE_NUMBERS = [1e21, 1e16, 1e-7, 12345.678, 1 / 3];

const ELEMENTS = [
  "a",
  "b",
  "A",
  "ab",
  "10",
  "5",
  "a_b",
  "a%b",
  "É",
  "😀",
  'say "hi"',
  "a<b",
  "1",
  "&\u2028",
];

const IDS = ["u1", "u2", "u3", "1", "10"];

/** Keys are sorted, as they are in JSON that Go has written. */
const DOCUMENTS: readonly unknown[] = [
  {
    A1: "up",
    a: 1,
    arr: [1, "two", null, { k: "v" }],
    b: true,
    e: "",
    f: false,
    n: null,
    num: "5",
    o: { p: { q: 5 } },
    s: "x",
  },
  { a: "10", arr: [], b: false, n: 0, o: {}, s: "É" },
  { a: 2.5, arr: ["a", "b"], num: 10, s: "A_b" },
  { a: { b: "c" }, arr: "a", o: [1], s: 'say "hi"' },
  { a: "<b>", arr: ["&", "\u2028"], s: "\u00e9\u007f" },
  {},
  [],
  [1, 2],
  ["a", 5, null],
  [[1], { k: "\\" }],
  "abc",
  "10",
  "",
  "null",
  5,
  -0.5,
  0,
  true,
  false,
  null,
];

const SCHEMA: Readonly<Record<string, FieldType>> = {
  t: "text",
  u: "text",
  n: "number",
  m: "number",
  f: "bool",
  g: "bool",
  d: "date",
  tags: "select[]",
  labels: "file[]",
  s: "select",
  rel: "relation",
  rels: "relation[]",
  data: "json",
  p: "geoPoint",
};

/** A record with awkward values, and the request that comes with it. */
export function randomSituation(random: Random): Situation {
  const fields = Object.entries(SCHEMA).map(([field, type]): [string, unknown] => [
    field,
    randomValue(random, type),
  ]);
  const emails = random.chance(0.15) ? emailFields(random) : {};
  const isRule = random.chance(0.3);
  const collectionType = "email" in emails ? "auth" : "base";
  const request = { collectionType, ...(isRule ? randomRequest(random) : {}) } as const;
  if (random.chance(0.2))
    return { record: { ...guessable(fields), ...emails }, now: NOW, ...request };
  const present = fields.flatMap(([field, value]): [string, unknown][] => {
    // PocketBase has no null point.
    if (field === "p" || random.chance(0.96)) return [[field, value]];
    return random.chance(0.5) ? [[field, null]] : [];
  });
  return {
    record: { ...Object.fromEntries(present), ...emails },
    schema: SCHEMA,
    now: NOW,
    ...request,
  };
}

/** The fields of a collection of users. A client's filter finds no email that is invisible. */
function emailFields(random: Random): Record<string, unknown> {
  return { email: random.pick(["a@b.c", "A@b.c", "z@b.c"]), emailVisibility: random.chance(0.5) };
}

/** The fields whose types follow from their values. */
function guessable(fields: readonly [string, unknown][]): Record<string, unknown> {
  const isObject = (value: unknown) =>
    typeof value === "object" && value !== null && !Array.isArray(value);
  return Object.fromEntries(
    fields.filter(([field, value]) => {
      if (field === "data") return isObject(value);
      return !["s", "rel", "rels", "p"].includes(field);
    }),
  );
}

function randomValue(random: Random, type: FieldType): unknown {
  if (type === "number") return random.pick(random.chance(0.05) ? RARE_NUMBERS : NUMBERS);
  if (type === "bool") return random.chance(0.5);
  if (type === "date") return random.pick(DATES);
  if (type === "relation") return random.pick(["", ...IDS]);
  if (type === "relation[]") return random.sample(IDS, random.between(0, 3));
  if (type.endsWith("[]")) return randomList(random);
  if (type === "json") return random.pick(DOCUMENTS);
  if (type === "geoPoint")
    return { lon: random.pick([0, 23.2, -0.5]), lat: random.pick([0, 42.7]) };
  return type === "select" ? random.pick(["", ...ELEMENTS]) : random.pick(TEXTS);
}

/** Up to three elements. An element may repeat. */
function randomList(random: Random): string[] {
  return Array.from({ length: random.between(0, 3) }, () => random.pick(ELEMENTS));
}

function randomRequest(random: Random): Omit<Situation, "record"> {
  const auth = {
    id: random.pick(IDS),
    collectionId: "users_id",
    collectionName: "users",
    email: "a@b.c",
    emailVisibility: random.chance(0.5),
    verified: random.chance(0.5),
    role: random.pick(TEXTS),
    level: random.pick(NUMBERS),
    groups: randomList(random),
  };
  return {
    mode: "rule",
    auth: random.chance(0.7) ? auth : undefined,
    query: {
      ...(random.chance(0.8) ? { k: random.pick(TEXTS) } : {}),
      n: random.pick(["", "1", "5", "2.5", "a"]),
    },
    headers: { x_token: random.pick(TEXTS) },
  };
}
