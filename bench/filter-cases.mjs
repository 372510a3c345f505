// What bench/filters.mjs measures: record events of about 1 KB, and the subscriptions and rules of 1,000 clients.

/** Number of clients in every case. */
export const CLIENTS = 1000;

/** Values of `score`. The comparison `score >= n` of client n is true for all clients, for half of them, or for none. */
const SCORES = { all: CLIENTS - 1, half: CLIENTS / 2 - 1, none: -1 };

/** Returns a record with 15 fields, about 1,000 bytes as JSON. */
export function createRecord(score) {
  return {
    id: "r4x8k2m6q0w3e5t",
    collectionId: "pbc_1125843985",
    collectionName: "posts",
    title: "Fresh coffee in the kitchen on the third floor",
    slug: "fresh-coffee-in-the-kitchen-on-the-third-floor",
    body: "A new bag of beans stands beside the grinder. Please write down what you take. ".repeat(
      6,
    ),
    status: "open",
    score,
    views: 18_234,
    isPublic: true,
    author: "u5h2n9c7v1b4m8z",
    tags: ["kitchen", "coffee", "office"],
    place: { lon: 13.4049, lat: 52.52 },
    created: "2026-11-27 08:15:30.123Z",
    updated: "2026-11-28 16:45:12.456Z",
  };
}

/** Returns the key of `posts/*` with query parameters in its options, as PocketBase's SDK writes it. */
function keyWith(query) {
  return `posts/*?options=${encodeURIComponent(JSON.stringify({ query }))}`;
}

/** A filter with three comparisons, of which the last distinguishes the clients. */
function filterOf(n) {
  return `status = "open" && title ~ "coffee" && score >= ${n}`;
}

const event = (score) => ({
  collection: "posts",
  action: "update",
  record: createRecord(score),
});
const all = event(SCORES.all);
const fields = "id,title,status,score,updated";

/**
 * The cases of the core. `input` is what is published, `key` returns the subscription key of client n, `rules` are the rules of the service,
 * and `principal` returns who client n is.
 */
export const CORE_CASES = [
  {
    name: "a message to a topic",
    input: { topic: "posts/news", data: { action: "update", record: createRecord(SCORES.all) } },
    key: () => "posts/*",
  },
  { name: "no filter", input: all, key: () => "posts/*" },
  { name: "no filter, 1,000 distinct keys", input: all, key: (n) => keyWith({ n: String(n) }) },
  { name: "1 filter", input: all, key: () => keyWith({ filter: filterOf(0) }) },
  {
    name: "10 distinct filters, 100 clients each",
    input: all,
    key: (n) => keyWith({ filter: filterOf(n % 10) }),
  },
  {
    name: "1,000 distinct filters, all match",
    input: all,
    key: (n) => keyWith({ filter: filterOf(n) }),
  },
  {
    name: "1,000 distinct filters, half match",
    input: event(SCORES.half),
    key: (n) => keyWith({ filter: filterOf(n) }),
  },
  {
    name: "1,000 distinct filters, none matches",
    input: event(SCORES.none),
    key: (n) => keyWith({ filter: filterOf(n) }),
  },
  { name: "`fields`, 1 key", input: all, key: () => keyWith({ fields }) },
  {
    name: "1,000 distinct filters with `fields`, all match",
    input: all,
    key: (n) => keyWith({ filter: filterOf(n), fields }),
  },
  {
    name: "a rule without `@request.auth`",
    input: all,
    key: () => "posts/*",
    rules: { posts: { listRule: 'status = "open" && isPublic = true' } },
  },
  {
    name: "a rule with `@request.auth`, 1,000 identities",
    input: all,
    key: () => "posts/*",
    rules: { posts: { listRule: 'status = "open" && @request.auth.level <= score' } },
    principal: (n) => ({ identity: `u${n}`, auth: { id: `u${n}`, name: `User ${n}`, level: n } }),
  },
];

/** Stands for the number of the client in a key. Survives URI-encoding. */
const NUMBER = "NUMBER";
const streamOf = (key) => `/api/realtime?topic=${encodeURIComponent(key).replace(NUMBER, "%N")}`;

/** The request that publishes a record. %D stands for a JSON object by which sseload recognises the message. */
const body = JSON.stringify({
  collection: "posts",
  action: "update",
  record: { ...createRecord(SCORES.all), place: NUMBER },
}).replace(`"${NUMBER}"`, "%D");

const withFilters = (keys) => ({ path: streamOf(keyWith({ filter: filterOf(NUMBER) })), keys });

/** The cases of the service: options of bench/tools/sseload.cpp. */
export const SERVICE_CASES = [
  { name: "no filter", load: { path: streamOf("posts/*") } },
  {
    name: "no filter, 1,000 distinct keys",
    load: { path: streamOf(keyWith({ n: NUMBER })), keys: 1000 },
  },
  // Frames contain the key, and a longer frame costs more. Here `ignored` has no effect.
  {
    name: "no filter, a key as long as with a filter",
    load: { path: streamOf(keyWith({ ignored: filterOf(0).slice(1) })) },
  },
  { name: "1 filter", load: withFilters(1) },
  { name: "10 distinct filters, 100 clients each", load: withFilters(10) },
  { name: "1,000 distinct filters, all match", load: withFilters(1000) },
  {
    name: "1,000 distinct filters, one matches",
    load: {
      path: streamOf(keyWith({ filter: `${filterOf(0)} && score = ${NUMBER}` })),
      keys: 1000,
      receivers: 1,
    },
  },
].map(({ name, load }) => ({ name, load: { clients: CLIENTS, body, ...load } }));
